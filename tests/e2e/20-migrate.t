#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The domain moves with its context and comes back, while real applications
# talk to it: none of them notices more than a pause. No flow has to be opened
# again, nothing is INVALID, the source keeps nothing.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe ftp_session

lab_up
start_answer
start_ftpd
spawn vm iperf3 -s >/dev/null 2>&1 &
eventually listening vm 5201 || bail_out "iperf3 does not listen"

# Everything that talks, named after the source.
start_all()
{
	probe_start "tcp$1" tcp "$LAB_VM4" 7007
	probe_start "tcp6$1" tcp "$LAB_VM6" 7007
	probe_start "zone$1" tcp "$LAB_VM4" 4242
	probe_start "udp$1" udp "$LAB_VM4" 7007
	spawn client iperf3 -c "$LAB_VM4" -t 120 -b 400M --forceflush -f m \
		>"$work/iperf$1" 2>&1 &
	iperf_pid=$!
	spawn client ping -i 0.1 "$LAB_VM4" >"$work/ping$1" &
	ping_pid=$!
	spawn client ping -i 0.1 "$LAB_VM6" >"$work/ping6$1" &
	ping6_pid=$!
	ftp_start "passive$1" passive "$LAB_VM4" || diag "$(cat "$work/passive$1")"
	ftp_start "active$1" active "$LAB_VM4" || diag "$(cat "$work/active$1")"
	sleep 0.7
}

ping_check()
{
	kill -INT "$1"
	wait "$1"
	like "$(cat "$work/$2")" "bytes from" "$3 is answered"
	# The pause costs a few; the last one shows that it goes on.
	is "$(grep -c 'bytes from.*icmp_seq='"$(grep -o 'icmp_seq=[0-9]*' "$work/$2" |
		sed 's/.*=//' | sort -n | tail -n 1)"' ' "$work/$2")" 1 "$3 goes on"
	diag "$(tail -n 2 "$work/$2" | head -n 1)"
}

# In how many seconds the bulk stream moved at least one megabyte.
flowed()
{
	grep -c ' [1-9][0-9.]* MBytes' "$work/iperf$1"
}

flows_on()
{
	[ "$(flowed "$1")" -ge $(($2 + 2)) ]
}

finish_all()
{
	local p n

	for p in tcp tcp6 zone udp; do
		probe_stop "$p$1"
		ok $? "the $p session lives" || diag "$(cat "$work/$p$1")"
		diag "$p: longest gap $(field .longest_gap_ms) ms, lost $(field .lost)"
	done
	is "$(field .wrong)" 0 "no answer was a wrong one"
	for p in passive active; do
		ftp_finish "$p$1"
		ok $? "FTP, $p: the announced data connection and a new one come through" ||
			diag "$(cat "$work/$p$1")"
		is "$(awk '/bytes/ { print $2, $4 }' "$work/$p$1" | uniq | wc -l)" 1 \
			"FTP, $p: both times the same file"
	done
	ping_check "$ping_pid" "ping$1" ICMP
	ping_check "$ping6_pid" "ping6$1" ICMPv6
	n=$(flowed "$1")
	eventually flows_on "$1" "$n"
	ok $? "the bulk stream flows on" || diag "$(cat "$work/iperf$1")"
	kill -INT "$iperf_pid"
	wait "$iperf_pid"
	diag "Mbit/s in each second: $(sed -n 's/.*MBytes *\([0-9.]*\) Mbits.*/\1/p' \
		"$work/iperf$1" | xargs)"
}

leg()
{
	local from=$1 to=$2 invalid opened refused before expected

	invalid=$(counter "$to" invalid)
	opened=$(counter "$to" opened)
	refused=$(counter "$to" refused)
	start_all "$from"
	before=$(entries "$from")
	expected=$(expectations "$from")
	at_least "$(grep -c . <<<"$before")" 9 "$from: the flows are there"
	is "$(grep -c . <<<"$expected")" 2 "$from: two expectations wait"
	migrate "$from" "$to"
	is $? 0 "migrate $from -> $to" || diag "$(cat "$work/talk")"
	runs_on "$to"
	ok $? "the domain runs at $to"
	check_report "$from -> $to"
	at_least "$(field .records.carried)" "$(($(grep -c . <<<"$before") + 2))" \
		"every record was carried"
	same "$(entries "$to")" "$before" "the entries at $to are what they were at $from"
	like "$(entries "$to")" "zone=42" "with their zone"
	like "$(entries "$to")" "mark=119" "and their mark"
	like "$(entries "$to")" "helper=ftp" "and their helper"
	same "$(expectations "$to")" "$expected" "so are the expectations"
	same "$(entries "$from")" "" "nothing of the domain's is left at $from"
	is "$(expectations "$from")" "" "no expectation either"
	sleep 0.5
	finish_all "$from"
	is "$(counter "$to" invalid)" "$invalid" "nothing was INVALID at $to"
	is "$(counter "$to" opened)" "$opened" "no flow had to be opened again"
	is "$(counter "$to" refused)" "$refused" "and none was refused"
	is "$(at "$from" nft list tables | grep -c nsemig)$(at "$to" nft list tables |
		grep -c nsemig)" 00 "no guard stands any more"
}

leg A B
leg B A

# A UDP flow that only the VM can open.
knocked_start
sleep 0.3
migrate A B
is $? 0 "migrate A -> B once more" || diag "$(cat "$work/talk")"
sleep 0.5
probe_stop knocked
ok $? "a flow that only the VM may open lives" || diag "$(cat "$work/knocked")"

# What cannot succeed says so and changes nothing.
probe_start tcp tcp "$LAB_VM4" 7007
sleep 0.3
before=$(entries B | grep -v icmp)
at B "$NSEMIG" migrate nobody "root@$LAB_MGMT_A" --identity "$LAB_IDENTITY" \
	--known-hosts "$LAB_KNOWN_HOSTS" 2>"$work/talk"
is $? 3 "an unknown domain"
like "$(cat "$work/talk")" "nobody" "is named"
migrate A B
is $? 3 "a domain that does not run here"
migrate B A --dry-run
is $? 0 "a dry run finds nothing against it" || diag "$(cat "$work/talk")"
ssh-keygen -q -t ed25519 -N '' -f "$work/stranger"
migrate B A --identity "$work/stranger"
is $? 3 "a key that the target does not know"
echo "$LAB_MGMT_A $(cut -d' ' -f1,2 "$work/stranger.pub")" >"$work/hosts"
migrate B A --known-hosts "$work/hosts"
is $? 3 "a target whose host key is another"
migrate B A --remote-command /nonexistent/nsemig
is $? 3 "no nsemig at the target"
runs_on B
ok $? "the domain still runs where it ran"
same "$(entries B | grep -v icmp)" "$before" "its entries are what they were"
is "$(entries A)" "" "and there are none at the target"
probe_stop tcp
ok $? "its session lives" || diag "$(cat "$work/tcp")"
at B "$NSEMIG" migrate 2>/dev/null
is $? 2 "without arguments: usage"
done_testing
