#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# There and back, XEN_MOVES times (10), with some 200 flows of mixed kind: idle
# and streaming TCP, UDP, ICMP, FTP with its helper, one through SNAT and one
# through DNAT. br_netfilter hands them to the hosts' rules. No flow may end, no
# packet be INVALID, none open anew. The guest's rules, blocklist, quota and meter
# go with it.

. "$(dirname "$0")/lib.sh"
moves=${XEN_MOVES:-10}
xen_up
"$lab" firewall inet
guest_start A
crowd_start -T 121 -B 4 -U 50 -I 22 -a 10.77.0.200 -l 7100 -i 8000 -r 8000
ok $? "200 flows" || bail_out "not all flows began"

# The guest's own rules came with it, and go on where they were.
rules_moved()
{
	local from=$1 to=$2 before=$3

	same "$(rules "$to")" "$own" "move $i: its rules are on $to"
	same "$(rules "$from")" "$nobody" "move $i: $from has none of them"
	is "$(at "$to" "nft list map bridge domains from_vif" | grep -o '"vif[^"]*"')" \
		"\"vif$(at "$to" "xl domid $GUEST").0\"" "move $i: by its new interface"
	at_least "$(used "$to")" $((before + 1)) "move $i: its quota goes on"
	like "$(at "$to" "nft list set bridge domains guest_blocked")" "timeout 2h expires 1h" \
		"move $i: its blocklist still ends when it would have"
}

# Moves the guest from $1 and looks at everything that could have suffered.
move()
{
	local from=$1 to counted quota

	to=$(other "$from")
	counted=$(counters "$to")
	ftp_start
	ok $? "move $i: FTP has announced a data connection"
	quota=$(used "$from")
	migrate "$from"
	is "$rc" 0 "move $i: $from -> $to" || diag "$said"
	guest_on "$to"
	ok $? "move $i: the guest runs on $to alone"
	is "$(field '.result + " " + (.verified | tostring)')" "migrated true" \
		"move $i: the context is verified" || diag "$(field .records.differ)"
	at_least "$(field .records.carried)" 200 "move $i: carried"
	is "$(tracked "$from")" 0 "move $i: $from tracks nothing of it"
	rules_moved "$from" "$to" "$quota"
	is "$(left_over A)$(left_over B)" "" "move $i: nothing is left over"
	like "$(ftp_finish)" "first 262144 bytes .*second 262144 bytes" \
		"move $i: FTP fetches over it, and over a new one"
	crowd_lives
	ok $? "move $i: all flows live" || diag "$crowd"
	# FTP's second data connection is related, so that nothing is opened.
	same "$(counters "$to")" "$counted" \
		"move $i: no packet was INVALID, none was refused, no flow opened anew"
	diag "move $i: hold_us $(field .hold_us) phases $(field '.phases_us | @json')"
	diag "move $i: $crowd"
}

own=$(rules A)
nobody=$(rules B)
from=A
for ((i = 1; i <= moves; i++)); do
	move $from
	from=$(other $from)
done

crowd_stop
at $from "xl destroy $GUEST"
"$lab" firewall bridge
done_testing
