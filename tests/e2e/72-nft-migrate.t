#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The domain moves with its own chains, its blocklist, its quota and its meter,
# while somebody talks to it, and comes back: they go on where they were.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe

lab_up
start_answer
rules="bridge domains"

# number HOST WHAT NAME FIELD: of a named counter or quota.
number()
{
	at "$1" nft -j list "$2" $rules "$3" | jq ".nftables[] | .$2 // empty | .$4"
}

# remaining HOST ADDRESS: seconds until the element of the blocklist goes.
remaining()
{
	at "$1" nft -j list set $rules vm1_blocked |
		jq --arg a "$2" '.nftables[] | .set // empty | .elem[].elem | select(.val == $a) | .expires'
}

# The packets that the client's element of a set has counted.
talked()
{
	at "$1" nft -j list set $rules vm1_talkers | jq --arg a "$LAB_CLIENT4" \
		'.nftables[] | .set // empty | .elem[]?.elem | select(.val == $a) | .counter.packets'
}

# The chains as they are written, without what counts.
chains()
{
	at "$1" nft -s list chain $rules vm1_from
	at "$1" nft -s list chain $rules vm1_to
}

leg()
{
	local from=$1 to=$2 vif=$3 in out used left talk seconds was

	probe_start "tcp$from" tcp "$LAB_VM4" 7007
	sleep 0.7
	in=$(number "$from" counter vm1_in packets)
	out=$(number "$from" counter vm1_out packets)
	used=$(number "$from" quota vm1_month used)
	talk=$(talked "$from")
	seconds=$SECONDS
	left=$(remaining "$from" 203.0.113.66)
	was=$(chains "$from")
	at_least "$in" 1 "$from: packets are counted"
	at_least "$talk" 1 "$from: the client is known to the set"
	migrate "$from" "$to"
	is $? 0 "migrate $from -> $to" || diag "$(cat "$work/talk")"
	check_report "$from -> $to"
	same "$(chains "$to")" "$was" "its chains are at $to"
	is "$(at "$to" nft list table $rules | grep -o '"vif[^"]*" : jump [a-z0-9_]*' | xargs)" \
		"$vif : jump vm1_from $vif : jump vm1_to" "dispatched on $vif"
	is "$(at "$from" nft list table $rules | grep -c vm1)" 0 "nothing of it is left at $from" ||
		diag "$(at "$from" nft list table $rules)"
	at_least "$(number "$to" counter vm1_in packets)" "$in" "its counters go on"
	at_least "$(number "$to" counter vm1_out packets)" "$out" "both"
	at_least "$(number "$to" quota vm1_month used)" "$used" "so does its quota"
	at_least "$(talked "$to")" "$talk" "and what an element counts"
	left=$((left - (SECONDS - seconds) - $(remaining "$to" 203.0.113.66)))
	[ ${left#-} -le 2 ]
	ok $? "an element goes when it would have gone"
	like "$(at "$to" nft list set $rules vm1_blocked)" '203.0.113.67 .*"by hand"' "and has its comment"
	sleep 0.5
	at_least "$(number "$to" counter vm1_in packets)" $((in + 5)) "packets are counted at $to"
	probe_stop "tcp$from"
	ok $? "the session lives" || diag "$report"
}

leg A B vif7.0

# A host whose map is another one: refused before anything has begun.
at A nft flush chain $rules forward
at A nft delete map $rules to_vif
at A nft add map $rules to_vif '{ type ifname : verdict; flags timeout; }'
probe_start still tcp "$LAB_VM4" 7007
sleep 0.3
was=$(chains B)
migrate B A
is $? 3 "a host whose shared map is another does not get it"
like "$(cat "$work/talk")" "to_vif" "the map is named"
diag "$(cat "$work/talk")"
runs_on B
ok $? "the domain runs where it ran"
same "$(chains B)" "$was" "with its rules"
is "$(at A nft list table $rules | grep -c vm1)" 0 "none of which are at the other host"
probe_stop still
ok $? "and its session lives"
at A nft delete map $rules to_vif
at A nft add map $rules to_vif '{ type ifname : verdict; }'
at A nft add rule $rules forward iifname vmap @from_vif
at A nft add rule $rules forward oifname vmap @to_vif

leg B A vif6.0
done_testing
