#!/bin/sh
# Starts what an image is for, and ends all of it when the engine asks, or when one of several ends. It is process 1 of
# the container, to which signals do nothing unless they are caught.

end_all() {
  trap '' TERM INT USR1
  kill -TERM 0
  wait
  exit "$1"
}
trap 'end_all 143' TERM INT
trap 'end_all 1' USR1

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

