# Leaves in $out what of the folders is to be served: the first with a page into which the build has written.
mkdir -p "$out/files"
has_written() {
  [ -n "$built" ] || return 0
  if [ "$1" = . ] && [ -z "$named" ]; then
    [ -n "$(find ./index.html -cnewer "$before" 2>/dev/null)" ]
  else
    [ -n "$(find "$1" \( -name node_modules -o -name .git -o -name .venv -o -name .headway \) -prune -o \
      -cnewer "$before" \( -type f -o -type l \) -print 2>/dev/null | head -n 1)" ]
  fi
}
echo "$folders" | while read -r folder; do
  [ -f "$folder/index.html" ] && has_written "$folder" || continue
  tar --create --file=- --directory="$folder" --exclude=./node_modules --exclude=./.git --exclude=./.venv \
    --exclude=./.headway . | tar --extract --file=- --directory="$out/files"
  echo "$folder" >"$out/folder"
  break
done
find . \( -name node_modules -o -name .git -o -name .venv -o -name .headway \) -prune -o -cnewer "$before" \
  \( -type f -o -type l \) \( -type l -printf '%p/\n' -o -name index.html -printf '%h/index\n' -o -printf '%h/\n' \) |
  sort -u | head -n 20000 >"$out/written"
