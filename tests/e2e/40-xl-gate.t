#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Whole moves by `xl migrate` through `nsemig xl-gate`, with a scripted xl at
# both ends (tests/helpers/xl_peer.c) and every fault that it knows. Each case
# says what the controller must see and what becomes of the two copies.
set -u

NSEMIG=${NSEMIG:-$PWD/build/nsemig}
BUILD=${BUILD:-$PWD/build}
PEER=$BUILD/tests/helpers/xl_peer
DRIVE=$BUILD/tests/helpers/xl_drive
DIR=$(mktemp -d /tmp/nsemig-gate.XXXXXX)
export XL_PEER_LOG=$DIR/log
TESTS=0

# The processes of this test, known by their environment.
ours() {
	grep -lsza "^XL_PEER_LOG=$XL_PEER_LOG\$" /proc/[0-9]*/environ | while read -r f; do
		pid=${f#/proc/}
		pid=${pid%/environ}
		[ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] &&
			[[ $(readlink "/proc/$pid/exe") == @("$NSEMIG"|"$PEER"|"$DRIVE") ]] &&
			echo "$pid"
	done
}

cleanup() {
	for pid in $(ours); do kill -9 "$pid" 2>/dev/null; done
	rm -rf "$DIR"
}
trap cleanup EXIT

check() { # NAME, then a command
	local name=$1
	shift
	TESTS=$((TESTS + 1))
	if "$@"; then
		echo "ok $TESTS - $name"
	else
		echo "not ok $TESTS - $name"
		sed 's/^/# said: /' "$DIR/out" "$DIR/err" 2>/dev/null
		sed 's/^/# log: /' "$XL_PEER_LOG" 2>/dev/null
	fi
}

# Waits until a condition holds: 15 s at most.
until_true() {
	for ((i = 0; i < 300; i++)); do
		"$@" && return 0
		read -r -t 0.05 <> <(:)
	done
	return 1
}

gone() { [ -z "$(ours)" ]; }
said() { grep -qxF -- "$1" "$DIR/out"; }
said_like() { grep -q -- "$1" "$DIR/out"; }
logged() { grep -qxF -- "$1" "$XL_PEER_LOG"; }
not() { ! "$@"; }

# drive ACTION [VARIABLE=VALUE...] [-- OPTION...]
drive() {
	local action=$1 vars=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		vars+=("$1")
		shift
	done
	[ $# -gt 0 ] && shift
	rm -f "$XL_PEER_LOG"
	: >"$XL_PEER_LOG"
	env "${vars[@]}" timeout 60 "$DRIVE" "$PEER" "$NSEMIG" "$action" "root@host b" "$@" \
		>"$DIR/out" 2>"$DIR/err" </dev/null
}

# The domain is here and nowhere else, and nothing is left running.
here() {
	until_true gone && not logged "target: running" && not logged "source: destroyed" &&
		{ logged "source: resumed" || logged "source: never suspended" || said_like '^resume'; }
}
there() {
	until_true gone && logged "target: running" && logged "source: destroyed" &&
		not logged "source: resumed"
}

# case NAME ACTION WHERE STATUS [VARIABLE...]: WHERE is here or there.
move() {
	local name=$1 action=$2 where=$3 status=$4
	shift 4
	drive "$action" "$@"
	check "$name: status $status" said "status $status"
	check "$name: the domain is $where" "$where"
}

SHORT=XL_DRIVE_LIMITS=500,700,500,700
QUICK=XL_DRIVE_LIMITS=5000,5000,5000,1000

# --- what shall work

move "a plain move" go there 0
check "the events come in order" \
	[ "$(head -3 "$DIR/out" | tr '\n' ' ')" = "suspended ready ended " ]
check "the host's name reaches the shell whole" logged "rsh: host root@host b"
check "xl's own words reach the user" grep -q "Migration successful" "$DIR/err"
check "nothing of xl's is on stdout" not said_like "Migration"
check "the memory is counted while it passes" grep -q "^bytes by then: [1-9]" "$DIR/err"
move "an image of 300 MiB arrives whole" go there 0 XL_PEER_MIB=300
# The image, its header, its configuration and END.
check "all of it was counted" said "bytes $((300 * 1024 * 1024 + 48 + 4 + 26 + 8 + 4))"
move "no image at all" go there 0 XL_PEER_MIB=0
move "READY comes late" go there 0 XL_PEER_TARGET=late-ready
move "go comes late" late-go there 0
move "the report comes late" go there 0 XL_PEER_TARGET=late-report
drive go -- -e -C /etc/hostname
check "options are passed on" said "status 0"
drive go -- -s sh
check "-s is refused" said_like "start: -s: the remote shell"

# --- aborted by the controller: here, and the copy is destroyed there

move "abort at READY" abort here 1
check "abort at READY: the target destroys its copy" logged "target: destroyed"
check "abort at READY: xl need not wait for the shell" \
	not logged "source: waited 2 s for the remote shell in vain"
move "abort at the suspension" abort-suspended here 1
drive abort-start
check "abort at the start" said "aborted 0"
check "abort at the start: the domain is here" until_true gone
drive exit
check "the controller dies at READY" here
check "the controller dies at READY: the target destroys its copy" \
	logged "target: destroyed"
drive exit-suspended XL_PEER_TARGET=late-ready
check "the controller dies at the suspension" here
drive go-exit
until_true logged "source: destroyed"
check "the controller dies after go: the move is completed" there

# --- processes killed while READY is held

move "xl is killed" kill-xl here 137
check "xl is killed: the domain is resumed for it" said "resume (xl was killed)"
check "xl is killed: the target destroys its copy" logged "target: destroyed"
move "the gate is killed" kill-gate here 1
move "the remote shell is killed" kill-rsh here 1
move "the gate is killed at the suspension" kill-gate-suspended here 1 \
	XL_PEER_TARGET=late-ready

# --- the target fails before READY

move "no shell" go here 1 XL_PEER_TARGET=exit-early
check "no shell: the reason" said_like "^reason the remote shell ended before"
move "no banner" go here 1 XL_PEER_TARGET=no-banner $SHORT
check "no banner: the reason" said_like "^reason .*did not answer within"
move "a garbled banner" go here 1 XL_PEER_TARGET=garbage-banner
check "a garbled banner: the reason" said_like "^reason .*'Welcome to host B!.*login script"
move "it ends in the bulk" go here 1 XL_PEER_TARGET=exit-in-bulk
move "it is killed in the bulk" go here 1 XL_PEER_TARGET=die-in-bulk
move "it stalls in the bulk" go here 1 XL_PEER_TARGET=stall-in-bulk $SHORT XL_PEER_MIB=32
check "it stalls: the reason" said_like "^reason the transfer stood still"
move "it speaks in the bulk" go here 1 XL_PEER_TARGET=garbage-in-bulk
check "it speaks: the reason" said_like "^reason .*'Connection lost.*READY"
move "it is never ready" go here 1 XL_PEER_TARGET=never-ready $SHORT
move "it ends while READY is held" hold here 1 XL_PEER_TARGET=exit-held
move "it speaks while READY is held" hold here 1 XL_PEER_TARGET=chatter-held
move "nobody decides" hold here 1 $SHORT
check "nobody decides: the reason" said_like "^reason .*complete at the target and nobody decided"

# --- the source fails

move "xl fails at once" go here 137 XL_PEER_SOURCE=die-early
move "xl is killed in the bulk" go here 137 XL_PEER_SOURCE=die-in-bulk
move "xl is killed after the suspension" go here 137 XL_PEER_SOURCE=die-suspended
move "xl stalls in the bulk" go here 143 XL_PEER_SOURCE=stall-in-bulk $SHORT
check "xl stalls in the bulk: it is ended and its domain resumed" said "resume (xl was killed)"
drive go XL_PEER_SOURCE=never-connect XL_DRIVE_LIMITS=500,500,500,500,300
check "xl never starts its shell" said_like "error xl did not start its connection"
check "xl never starts its shell: it is ended" until_true gone

# --- after go

move "the target cannot start it" go here 1 XL_PEER_TARGET=cannot-start
check "the target cannot start it: the reason" said_like "^reason the target could not start"
check "the target cannot start it: the copy is destroyed" logged "target: destroyed"
drive go XL_PEER_SOURCE=die-after-ready
check "xl is killed before GO: the target reports" said "status 137"
check "xl is killed before GO: resumed here" said "resume (xl was killed)"
check "xl is killed before GO: the copy is destroyed" logged "target: destroyed"
drive go XL_PEER_SOURCE=die-after-go XL_PEER_TARGET=late-report
check "xl is killed after GO: the report is heard" said "status 0"
check "xl is killed after GO: it is not resumed" not said_like "^resume"
drive go XL_PEER_SOURCE=fail-at-end
check "xl fails after the report: it runs there" said "status 0"
check "xl fails after the report: said so" said_like "^reason the domain runs at the target"
drive go XL_PEER_TARGET=die-after-go
check "killed after GO: unclear" said "status -1"
check "killed after GO: nothing is resumed" not said_like "^resume"
drive go XL_PEER_TARGET=silent-after-go $QUICK
check "silent after GO: unclear" said "status -1"
check "silent after GO: the reason" said_like "^reason .*did not send the report within"
check "silent after GO: nothing is resumed" not said_like "^resume"
drive go XL_PEER_TARGET=keeps-copy
check "a copy that is not given back: unclear" said "status -1"
check "nothing is left running" until_true gone

# --- by hand it does nothing

"$NSEMIG" xl-gate >/dev/null 2>&1 </dev/null
check "xl-gate alone is a usage error" [ $? = 2 ]
"$NSEMIG" xl-gate @nsemig-xl-nobody -- sh -c "touch $DIR/ran" >/dev/null 2>"$DIR/err" </dev/null
check "without a controller nothing is run" [ ! -e "$DIR/ran" ]
check "and it says why" grep -q "cannot reach the nsemig" "$DIR/err"

# --- how fast; not judged

mib=2048
rate() { # what, command...
	local from to
	from=$(date +%s%N)
	"${@:2}" >"$DIR/out" 2>&1 </dev/null
	to=$(date +%s%N)
	echo "# $1: $mib MiB in $(((to - from) / 1000000)) ms," \
		"$((mib * 1000000000 / (to - from))) MiB/s"
}
export XL_PEER_MIB=$mib
rate "without the gate" "$PEER" migrate -s "$PEER rsh" web1 hostB
rate "with the gate" "$DRIVE" "$PEER" "$NSEMIG" go hostB
check "a large image passes" said "status 0"
check "and nothing is left running" until_true gone

echo "1..$TESTS"
