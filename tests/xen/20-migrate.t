#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# There and back, XEN_MOVES times (10), with some 200 flows of mixed kind: idle
# and streaming TCP, UDP, ICMP, FTP with its helper, one through SNAT and one
# through DNAT. br_netfilter hands them to the hosts' rules. No flow may end, no
# packet be INVALID, none open anew.

. "$(dirname "$0")/lib.sh"
moves=${XEN_MOVES:-10}
xen_up
"$lab" firewall inet
guest_start A
crowd_start -T 121 -B 4 -U 50 -I 22 -a 10.77.0.200 -l 7100 -i 8000 -r 8000
ok $? "200 flows" || bail_out "not all flows began"

# Moves the guest from $1 and looks at everything that could have suffered.
move()
{
	local from=$1 to opened refused invalid

	to=$(other "$from")
	opened=$(counter "$to" opened)
	invalid=$(counter "$to" invalid)
	refused=$(counter "$to" refused)
	ftp_start
	ok $? "move $i: FTP has announced a data connection"
	migrate "$from"
	is "$rc" 0 "move $i: $from -> $to" || diag "$said"
	guest_on "$to"
	ok $? "move $i: the guest runs on $to alone"
	is "$(field '.result + " " + (.verified | tostring)')" "migrated true" \
		"move $i: the context is verified"
	at_least "$(field .records.carried)" 200 "move $i: carried"
	is "$(tracked "$from")" 0 "move $i: $from tracks nothing of it"
	is "$(left_over A)$(left_over B)" "" "move $i: nothing is left over"
	like "$(ftp_finish)" "first 262144 bytes .*second 262144 bytes" \
		"move $i: FTP fetches over it, and over a new one"
	crowd_lives
	ok $? "move $i: all flows live" || diag "$crowd"
	is "$(counter "$to" invalid)" "$invalid" "move $i: no packet was INVALID"
	is "$(counter "$to" refused)" "$refused" "move $i: none was refused"
	# FTP's second data connection is related, so that nothing is opened.
	is "$(counter "$to" opened)" "$opened" "move $i: no flow was opened anew"
	diag "move $i: frozen_us $(field .phases_us.frozen) commit_us" \
		"$(field .phases_us.commit) hold_us $(field .hold_us)"
	diag "move $i: $crowd"
}

from=A
for ((i = 1; i <= moves; i++)); do
	move $from
	from=$(other $from)
done

crowd_stop
at $from "xl destroy $GUEST"
"$lab" firewall bridge
done_testing
