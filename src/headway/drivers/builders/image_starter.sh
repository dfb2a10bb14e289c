#!/bin/sh
# Starts what an image is for, and ends all of it when the engine asks, or when one of several ends. It is process 1 of
# the container, to which signals do nothing unless they are caught.

# Whether anything of the process group still runs. The shells that start a command end at the signal, and what they
# started is nobody's then that could be waited for.
runs() {
  for each in /proc/[0-9]*/stat; do
    { read -r told <"$each"; } 2>/dev/null || continue
    case $told in "$$ "*) continue ;; esac
    # After the name, which may hold anything: state, parent, group.
    told=${told##*) }
    state=${told%% *} told=${told#* * }
    case $state in Z | X) continue ;; esac
    [ "${told%% *}" != "$group" ] || return 0
  done
  return 1
}

# With a status, and for how many seconds it is waited at most: none where the engine asks, which counts by itself.
end_all() {
  trap '' TERM INT USR1
  read -r told </proc/$$/stat
  told=${told##*) } && told=${told#* * } && group=${told%% *}
  kill -TERM 0
  [ -z "$2" ] || last=$(($(date +%s) + $2))
  while runs; do
    [ -z "$2" ] || [ "$(date +%s)" -lt "$last" ] || break
    sleep 0.1 2>/dev/null || sleep 1
  done
  exit "$1"
}
trap 'end_all 143 ""' TERM INT
trap 'end_all 1 10' USR1

called() {
  if [ "$2" = 1 ]; then HEADWAY_PROCESS=$1; else HEADWAY_PROCESS=$1.$2; fi
  export HEADWAY_PROCESS
}

only() {
  called "$1" 1
  /bin/sh -c "$2" &
  wait $!
  exit $?
}

one() {
  (
    called "$1" "$2"
    /bin/sh -c "$3"
    echo "$1 ended with status $?" >&2
    kill -USR1 $$
  ) &
}

wait_for_any() {
  while :; do wait; sleep 1; done
}

