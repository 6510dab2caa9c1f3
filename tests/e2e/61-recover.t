#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a source that was killed leaves behind, and who cleans it up: `nsemig
# recover`, the receiver of the next migration back, the next migration.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe
export LAB_COPY_MS=300 LAB_PAUSE_MS=100

domain_entries()
{
	at "$1" conntrack -L 2>/dev/null | grep -c "$LAB_VM4"
}

# Entries of nobody's domain, and one of the domain that came after the move.
strangers()
{
	at "$1" conntrack -L -p udp 2>/dev/null | grep -c 'dport=9999 '
}

add_stranger()
{
	at "$1" conntrack -I -p udp -s "$2" -d "$3" --sport "$4" --dport 9999 -t 600 \
		>/dev/null 2>&1 || bail_out "conntrack -I on $1"
}

journals()
{
	cat "$LAB_STATE/host$1"/state/moves/*/state 2>/dev/null
}

phase()
{
	cat "$LAB_STATE/domain/phase"
}

reached()
{
	case $1 in
	copy) [ "$(phase)" = copy ] && [ "$(journals "$2")" = gather ] ;;
	suspended) [ "$(phase)" = suspended ] && [ "$(journals "$2")" = gather ] ;;
	released) [ "$(phase)" = runs ] && [ "$(journals "$2")" = released ] ;;
	esac
}

# killed FROM TO WHEN: a migration whose source is killed.
killed()
{
	local to=LAB_MGMT_$2 pid

	export LAB_COPY_MS=1000 LAB_PAUSE_MS=500
	spawn "$1" "$NSEMIG" migrate vm1 "root@${!to}" --identity "$LAB_IDENTITY" \
		--known-hosts "$LAB_KNOWN_HOSTS" >"$work/talk" 2>&1 &
	pid=$!
	eventually reached "$3" "$1"
	ok $? "killed at $3: it came so far" || diag "$(cat "$work/talk")"
	kill -9 $pid
	wait $pid 2>/dev/null
	is $? 137 "killed at $3"
	LAB_COPY_MS=300 LAB_PAUSE_MS=100
}

# recover HOST [OPTION]...: its status is $rc, its output $out.
recover()
{
	local host=$1

	shift
	out=$(at "$host" "$NSEMIG" recover "$@" 2>&1)
	rc=$?
}

left_in()
{
	ls "$LAB_STATE/host$1/state/$2" 2>/dev/null
}

# The target waits for a source that does not come back, and then goes on alone.
target_is_done()
{
	[ -z "$(left_in "$1" sessions)" ]
}

lab_up
start_answer
probe_start tcp tcp "$LAB_VM4" 7007
probe_start udp udp "$LAB_VM4" 7007
eventually grep -q udp <(at A conntrack -L 2>/dev/null)
recover A
is "$rc $out" "0 nothing to recover" "nothing has happened yet"

# Killed while memory is copied: the domain has never stopped.
killed A B copy
eventually runs_on A
ok $? "killed at copy: the domain runs at the source"
before=$(domain_entries A)
like "$(journals A)" "^gather$" "killed at copy: a journal is left"
recover A
is "$rc $out" "0 vm1: nothing had been changed here" "killed at copy: nothing to do"
is "$(left_in A moves)" "" "killed at copy: and no journal any more"
is "$(domain_entries A)" "$before" "killed at copy: nothing was removed"
eventually target_is_done B

# Killed behind the line: complete at the target, left over at the source.
killed A B released
runs_on B
ok $? "killed at released: the domain runs at the target"
at_least "$(domain_entries B)" 2 "killed at released: with its context"
at_least "$(domain_entries A)" 2 "killed at released: which is still at the source, too"
add_stranger A 10.77.0.99 10.77.0.98 1
add_stranger A "$LAB_CLIENT4" "$LAB_VM4" 2
# The domain is named by a platform that cannot tell of it.
printf '#!/bin/sh\nexit 7\n' >"$work/broken"
chmod 755 "$work" "$work/broken"
have=$(domain_entries A)
recover A --platform "script:$work/broken" --json
is "$rc $(jq -c '[.pending, .cleaned, .sessions[0].outcome]' <<<"$out")" \
	'4 [1,0,"pending"]' "no answer of the platform: pending" || diag "$out"
like "$(jq -r '.sessions[0].why' <<<"$out")" "status 7" "and it says why"
recover A --platform "script:$work/broken"
like "$rc $out" "^4 vm1: pending: .*status 7.*run .nsemig recover. again when" \
	"for people: what to do besides"
is "$(domain_entries A)" "$have" "and everything is still there"
# A journal that nobody can read.
mkdir "$LAB_STATE/hostA/state/moves/bad"
echo nonsense >"$LAB_STATE/hostA/state/moves/bad/state"
recover A --platform "script:$work/broken"
like "$rc $out" "^4 .*what a migration left on this host is still there: .*journal stays: $LAB_STATE/hostA/state/moves/bad.*To do: .*tries again" \
	"what cannot be recovered: what, why, where, and what to do"
rm -r "$LAB_STATE/hostA/state/moves/bad"
at A setpriv --reuid 65534 --clear-groups "$NSEMIG" recover >/dev/null 2>&1
is $? 3 "without privileges it fails"
recover A --json
is "$rc $(jq -c '[.format, .cleaned, .pending, .failed, (.sessions | length)]' <<<"$out")" \
	"0 [1,1,0,0,1]" "recover --json" || diag "$out"
is "$(jq -c '.sessions[0] | [.role, .domain, .outcome, (.removed >= 2), .kept, .why]' <<<"$out")" \
	'["source","vm1","cleaned",true,0,null]' "it tells of the session"
is "$(strangers A)" 2 "what the journal does not name stays"
# A packet of the probe's that a switch has flooded since is not of the journal.
is "$(at A conntrack -L 2>/dev/null | grep "$LAB_VM4" | grep -vc 'dport=7007 \[UNREPLIED\]')" 1 \
	"what it names is gone" || diag "$(at A conntrack -L 2>/dev/null)"
is "$(left_in A moves)" "" "the journal is gone"
recover A
is "$rc $out" "0 nothing to recover" "a second time finds nothing"
eventually target_is_done B
ok $? "the target has ended its session alone"
migrate B A
is $? 0 "it can go back" || diag "$(cat "$work/talk")"
check_report "back again"

# The receiver of the migration back cleans up what is in its way.
killed A B released
have=$(domain_entries A)
at_least "$have" 2 "killed once more: left over at the source"
eventually target_is_done B
migrate B A
is $? 0 "the next migration back works" || diag "$(cat "$work/talk")"
is "$(field '[.records.kept, .verified] | @json')" '[0,true]' \
	"it met none of its own entries there" || diag "$(cat "$work/report")"
is "$(left_in A moves)" "" "the journal is gone"
is "$(domain_entries B)" 0 "and nothing is left at the other end"

# Killed when the domain stood still: the move is taken back by itself.
killed A B suspended
eventually runs_on A
ok $? "killed at suspended: the domain runs at the source"
migrate A B
is $? 0 "the next migration works" || diag "$(cat "$work/talk")"
is "$(left_in A moves)$(left_in B moves)" "" "an orderly end leaves no journal"

# A live session is left alone.
export LAB_COPY_MS=3000
migrate B A &
pid=$!
eventually reached copy B
recover B --json
is "$rc $(jq -c '[.alive, .sessions[0].domain]' <<<"$out")" '0 [1,"vm1"]' \
	"a session that lives is left alone"
wait $pid
is $? 0 "and comes to its end"
LAB_COPY_MS=300

# Where nothing can be written there is no migration.
trap 'umount "$LAB_STATE/hostA/state" 2>/dev/null; e2e_cleanup' EXIT
full()
{
	mount -t tmpfs -o "$1" none "$LAB_STATE/hostA/state"
	migrate A B
	is $? 3 "$2: exit status"
	umount "$LAB_STATE/hostA/state"
	like "$(cat "$work/talk")" "$3" "$2: says so"
	runs_on A
	ok $? "$2: the domain runs where it was"
}
full size=64k,nr_inodes=4 "no room for a journal" "cannot .*moves.*No space left"
full size=8k "no room in the journal" "cannot write the journal .*moves/.*No space left"
is "$(counter A invalid) $(counter B invalid)" "0 0" "no packet was invalid up to here"

for p in tcp udp; do
	probe_stop $p
	ok $? "the $p session has lived through all of it" || diag "$report"
done

# The domain came back by other means: whatever was left is its own again.
killed A B released
eventually target_is_done B
have=$(domain_entries A)
at_least "$have" 1 "killed again: left over at the source"
"$lab" move-plain >/dev/null
runs_on A
ok $? "it came back without nsemig"
recover A
is "$rc $out" "0 vm1: it runs here, everything is kept" "its entries are kept"
at_least "$(domain_entries A)" "$have" "all of them"
done_testing
