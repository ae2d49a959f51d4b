#!/bin/sh
# Starts the current version of SENT; the rest of the installation is beside this file (docs/adr/0024).
#
# A version that was switched to a moment ago must prove itself: `update/pending` says so in four lines
# (version, the one before, second of its first start or 0, starts so far) until a window is painted or a
# service is ready. One that ends in failure before, takes more than a minute or needs a fourth start is
# taken back. This script is the only part that no update can break: it never changes with a version.
set -u
root=$(dirname -- "$(readlink -f -- "$0")")
pending=$root/update/pending
busy=$root/update/busy
program=$root/current/sent
PATIENCE=${SENT_TRIAL_SECONDS:-60}
case $PATIENCE in *[!0-9]* | ????*) PATIENCE=60 ;; esac
STARTS=3
AGAIN=88

# Of the modes only console and workers are trials: a command that says no is no bad version.
trial=no
case ${1-} in
'' | sent:* | --mode=* | --service=* | --mode | --service) trial=yes ;;
esac
if [ $trial = no ] || [ ! -e "$pending" ] || [ ! -w "$root/update" ]; then
    exec "$program" "$@"
fi

last=
{ read -r version; read -r before; read -r since; read -r starts; read -r last; } <"$pending" 2>/dev/null
case ${version:-}${before:-} in */*) exec "$program" "$@" ;; esac # it would lead out of the versions
if [ "$(readlink -- "$root/current")" != "versions/${version:-}" ] || [ ! -x "$root/versions/${before:-}/sent" ]; then
    exec "$program" "$@"
fi
case ${since:-}${starts:-} in '' | *[!0-9]* | ????????????????*) since=0 starts=0 ;; esac
case ${last:-} in '' | *[!0-9]*) last=$$ ;; esac

note() { # the file whole or not at all; not when the version has proved itself meanwhile
    [ -e "$pending" ] || return 0
    (umask 022 && printf '%s\n%s\n%s\n%s\n%s\n' "$version" "$before" "$1" "$2" $$ >"$pending.$$") &&
        mv -f -- "$pending.$$" "$pending"
}

back() { # REASON ARGUMENT...
    echo "sent: version $version $1; going back to $before" >&2
    ln -s -- "versions/$before" "$root/current.$$" && mv -fT -- "$root/current.$$" "$root/current"
    (umask 022 && printf '%s %s\n' "$version" "$1" >>"$root/update/failed")
    rm -f -- "$pending" "$busy"
    sync -- "$root" "$root/update/failed" 2>/dev/null
    shift
    exec "$program" "$@"
}

gets_on() { # the second at which the version last said that it gets on, as with a long migration; or 0
    { read -r said <"$busy"; } 2>/dev/null || said=0
    case ${said:-} in '' | *[!0-9]*) said=0 ;; esac
    echo "$said"
}

# Services of one machine go over together: theirs is one start and one minute. One whose starter is gone was
# cut off: the next start counts and has a minute of its own, whatever happened to the clock in between.
now=$(date +%s)
together=no
[ "$last" != $$ ] && kill -0 "$last" 2>/dev/null && together=yes
if [ $together = no ] || [ "$since" -eq 0 ] || [ "$since" -gt "$now" ]; then since=$now; fi
moved=$(gets_on)
[ "$moved" -gt "$since" ] && [ "$moved" -le "$now" ] && since=$moved
[ $((now - since)) -gt "$PATIENCE" ] && back "did not prove itself within $PATIENCE s" "$@"
if [ $together = no ]; then
    [ "$starts" -ge $STARTS ] && back "was started $STARTS times without proving itself" "$@"
    note "$since" $((starts + 1))
fi

taken_back() { # by the starter of another program of this installation
    [ ! -e "$pending" ] && [ "$(readlink -- "$root/current")" = "versions/$before" ]
}

SENT_STARTER=$$ "$program" "$@" &
child=$!
told=no late=no
trap late=yes USR1
trap 'told=yes; kill -TERM $child 2>/dev/null' TERM INT HUP
(
    left=$((PATIENCE - now + since))
    while [ $left -gt 0 ] && [ -e "$pending" ]; do
        kill -0 $$ 2>/dev/null || exit 0
        sleep 1
        left=$((left - 1))
        here=$(gets_on)
        [ "$here" != "$moved" ] && moved=$here left=$PATIENCE
    done
    [ -e "$pending" ] || taken_back || exit 0
    kill -USR1 $$ 2>/dev/null
    kill -TERM $child 2>/dev/null
    sleep 5
    kill -KILL $child 2>/dev/null
) </dev/null >/dev/null 2>&1 &
watcher=$!
wait $child
code=$?
while kill -0 $child 2>/dev/null; do # a signal ended the wait, not the program
    wait $child
    code=$?
done
kill $watcher 2>/dev/null

[ $code -eq $AGAIN ] && exec "$root/sent" "$@" # another version was installed beneath it
if [ $told = no ] && taken_back && [ $late$code != no0 ]; then
    exec "$program" "$@"
fi
[ -e "$pending" ] || exit $code
[ "$(readlink -- "$root/current")" = "versions/$version" ] || exec "$program" "$@"
[ $late = yes ] && back "did not prove itself within $PATIENCE s" "$@"
if [ $told = yes ]; then exit $code; fi # somebody ended it: no word on the version, but it was a start
case $code in
0 | 2 | 6[4-9] | 7[1-8]) # ended in order, or something outside is missing: no word on the version
    note 0 "$starts"
    exit $code
    ;;
esac
back "ended with code $code at its first start" "$@"
