#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The domain's second interface stands behind its host's NAT, whose outside
# address moves with it: translated connections, opened from either side, and
# FTP with its rewritten addresses (sequence adjustment) go on.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe ftp_session

lab_up --nat
start_answer vm
start_answer client
start_ftpd

leg()
{
	local from=$1 to=$2 p invalid refused before expected

	invalid=$(counter "$to" invalid)
	refused=$(counter "$to" refused)
	probe_start "dnat$from" tcp "$LAB_NAT_OUTSIDE" 7007
	probe_start "dnat-udp$from" udp "$LAB_NAT_OUTSIDE" 7007
	probe_in=vm probe_start "snat$from" tcp "$LAB_NAT_CLIENT" 7007
	probe_in=vm probe_start "snat-udp$from" udp "$LAB_NAT_CLIENT" 7007
	for p in passive active; do
		ftp_start "$p$from" $p "$LAB_NAT_OUTSIDE" || diag "$(cat "$work/$p$from")"
	done
	sleep 0.7
	before=$(entries "$from")
	expected=$(expectations "$from")
	at_least "$(grep -c . <<<"$before")" 6 "$from: the flows are there"
	like "$before" "dst=$LAB_NAT_OUTSIDE .*src=$LAB_NAT_INSIDE" "$from: translated to it"
	like "$before" "src=$LAB_NAT_INSIDE .*dst=$LAB_NAT_OUTSIDE" "$from: and from it"
	is "$(grep -c . <<<"$expected")" 2 "$from: two expectations wait"
	migrate "$from" "$to"
	is $? 0 "migrate $from -> $to" || diag "$(cat "$work/talk")"
	runs_on "$to"
	ok $? "the domain runs at $to"
	check_report "$from -> $to"
	same "$(entries "$to")" "$before" "the entries at $to are what they were at $from"
	same "$(expectations "$to")" "$expected" "so are the expectations"
	same "$(entries "$from")" "" "nothing of the domain's is left at $from"
	sleep 0.5
	for p in dnat dnat-udp snat snat-udp; do
		probe_stop "$p$from"
		ok $? "the $p session lives" || diag "$(cat "$work/$p$from")"
		diag "$p: longest gap $(field .longest_gap_ms) ms, lost $(field .lost)"
	done
	for p in passive active; do
		ftp_finish "$p$from"
		ok $? "FTP, $p, through NAT" || diag "$(cat "$work/$p$from")"
	done
	is "$(counter "$to" invalid)" "$invalid" "nothing was INVALID at $to"
	is "$(counter "$to" refused)" "$refused" "and nothing refused"
}

leg A B
leg B A
done_testing
