#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Is the lab sound? It must break a connection when the VM moves without its
# context, must keep it when the entries are there (put there by hand, without
# nsemig), must bring the VM back when a move is given up or its driver dies,
# and must leave nothing behind.

. "$(dirname "$0")/lib.sh"
e2e_start
need_helpers answer probe

platform()
{
	local host=$1

	shift
	at "$host" "$LAB_STATE/host$host/platform" "$@"
}

# Drives a move from A with what $1 answers to "ready"; "kill" kills it.
drive()
{
	local line

	coproc "$lab" exec A "$LAB_STATE/hostA/platform" migrate vm1 "$LAB_MGMT_B"
	local pid=$COPROC_PID out=${COPROC[0]} in=${COPROC[1]}
	seen=
	while read -r -u "$out" line; do
		seen+="$line "
		[ "$line" = "${2:-ready}" ] || continue
		case $1 in
		kill) kill -9 "$pid" ;;
		eof) exec {in}>&- ;;
		*) echo "$1" >&"$in" ;;
		esac
	done
	wait "$pid" 2>/dev/null
}

# A live domain: unfrozen, link up, answering.
lives()
{
	at client "$helpers/probe" udp "$LAB_VM4" 7007 -t 200 >/dev/null
}

before=$(sysctl -n net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_buckets)
want=$(($(sysctl -n net.netfilter.nf_conntrack_max) + 65536))
LAB_CONNTRACK_MAX=$want lab_up
start_answer
is "$(sysctl -n net.netfilter.nf_conntrack_max)" $want "the lab raises the table's limit"
is "$(platform A describe vm1 | jq -r '.name, .id, .vifs[0].name, .addresses[0]' | xargs)" \
	"vm1 5 vif5.0 10.77.0.10" "describe at the source"
platform B describe vm1 2>/dev/null
isnt $? 0 "the target knows no such domain"
is "$(platform B list)" '[]' "nor lists it"
is "$(at A ssh -i "$LAB_IDENTITY" -o UserKnownHostsFile="$LAB_KNOWN_HOSTS" \
	-o BatchMode=yes "root@$LAB_MGMT_B" 'basename ${NSEMIG_CONFIG%/*}')" \
	hostB "A reaches B's sshd, which knows its host's configuration"

# Given up in every way that there is.
for way in abort eof kill; do
	for when in suspended ready; do
		probe_start tcp tcp "$LAB_VM4" 7007
		drive $way $when
		isnt $? 0 "$way at $when: not moved"
		eventually runs_on A
		ok $? "$way at $when: the domain runs at the source again"
		sleep 0.3
		probe_stop tcp
		ok $? "$way at $when: its connection lives" || diag "$report"
	done
done
is "$(counter A invalid)" 0 "and nothing was INVALID"
platform B incoming vm1 2>/dev/null
isnt $? 0 "nothing arrives any more at the target"

# The same move without the context.
probe_start tcp tcp "$LAB_VM4" 7007 -d 2000
probe_start tcp6 tcp "$LAB_VM6" 7007 -d 2000
knocked_start -d 2000
sleep 0.5
"$lab" move-plain >"$work/move"
ok $? "a move without context" || diag "$(cat "$work/move")"
diag "$(cat "$work/move")"
like "$("$lab" status)" "host B, domid 13, runs" "it runs at the target, as a new domid"
lives
ok $? "and answers there: the move itself is sound"
wait "${probe_pid[tcp]}" "${probe_pid[tcp6]}" "${probe_pid[knocked]}"
for p in tcp tcp6 knocked; do
	probe_stop $p
	is "$(field .alive)" false "without its context the $p session dies"
	diag "$report"
done
at_least "$(counter B invalid)" 1 "INVALID is counted at the target"
at_least "$(counter B refused)" 1 "and so is what no rule lets pass"

# The other way, with the entries there before it runs. conntrack(8) cannot
# restore window scaling, so B to A is told to be lenient about windows.
at A conntrack -F 2>/dev/null
at A sysctl -qw net.netfilter.nf_conntrack_tcp_be_liberal=1
invalid=$(counter A invalid)
probe_start tcp tcp "$LAB_VM4" 7007
probe_start tcp6 tcp "$LAB_VM6" 7007
sleep 0.5
copy="{ $lab exec B conntrack -L -o save; $lab exec B conntrack -L -f ipv6 -o save; } \
	2>/dev/null >$work/saved; $lab exec A conntrack -R $work/saved >/dev/null 2>&1"
"$lab" move-plain --before-go "$copy" >"$work/move"
ok $? "a move back with the entries copied by hand"
diag "$(cat "$work/move")"
sleep 1
for p in tcp tcp6; do
	probe_stop $p
	ok $? "with its entry there the $p session lives"
	diag "$report"
done
is "$(counter A invalid)" "$invalid" "and nothing more was INVALID"

kill_jobs
"$lab" down
ok $? "lab down"
is "$(ip netns list | grep -c "nsemig-$LAB_ID-")" 0 "no namespace is left"
is "$(find /run /sys/fs/cgroup -maxdepth 2 -name "nsemig-lab-$LAB_ID*" 2>/dev/null)" "" \
	"no state and no control group is left"
is "$(sysctl -n net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_buckets)" \
	"$before" "the table's limits are what they were"
done_testing
