digest() {
  {
    echo "$told"
    cat /etc/os-release /var/lib/dpkg/status 2>/dev/null
    echo "$versions" | while read -r tool; do
      case $tool in
        '') ;;
        go) go version 2>&1 ;;
        python) python3 --version 2>&1 ;;
        *) "$tool" --version 2>&1 ;;
      esac
    done
    echo "$follows" | while read -r file; do
      echo "$file"
      cat "$file" 2>/dev/null
    done
    env | grep -v -e '^SOURCE_COMMIT=' -e '^PWD=' -e '^OLDPWD=' -e '^HOSTNAME=' -e '^_=' | sort
  } | sha256sum | cut -c1-64
}

recall() {
  key=$(digest)
  [ -z "$fresh" ] && [ -d "$kept/$key" ] || return 1
  echo "$makes" | while read -r folder; do rm -rf "$folder"; done
  if ! cp -a "$kept/$key/." .; then
    echo "$makes" | while read -r folder; do rm -rf "$folder"; done
    return 1
  fi
  echo "$name: nothing to do, $(echo "$follows" | head -1) is unchanged since the build of $(date -u -r "$kept/$key" '+%Y-%m-%d %H:%M UTC')."
}

keep() {
  mkdir -p "$kept" || return 0
  draft=$kept/.draft
  rm -rf "$draft" "${kept:?}/$key"
  mkdir -p "$draft"
  echo "$makes" | while read -r folder; do
    if [ -e "$folder" ]; then cp -a --parents "$folder" "$draft" || exit 1; fi
  done && touch "$draft" && mv "$draft" "$kept/$key"
  # Of those that are kept the three newest stay.
  ls -1dt "$kept"/* 2>/dev/null | tail -n +4 | while read -r old; do rm -rf "$old"; done
}
