#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Nothing is lost and nothing passes unprotected while the domain moves to and
# fro (LOSS_MOVES times, 4): a bulk stream at full speed, 1000 slow TCP sessions,
# DNS-like queries and a ping every millisecond. No connection dies, nothing is
# INVALID at either host, the source keeps no entry, and no packet of the domain
# gets past a host where its rules are not in force.
#
# The switch makes it worse: as soon as the target's guard stands, it forgets
# where the VM is, and floods what is sent to it to both hosts.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer crowd resolver
moves=${LOSS_MOVES:-4}

lab_up
start_answer
spawn vm iperf3 -s >/dev/null 2>&1 &
eventually listening vm 5201 || bail_out "iperf3 does not listen"

# What watches, at both hosts. In the rules of the domain itself there is its
# address in `protected`, and a mark on every packet. Of addresses behind this
# host that are not protected are counted: whatever comes (arrived), what comes
# past the guard (ahead), and what goes on without the mark (naked; marked shows
# that the rest is counted). And what is INVALID, even where no rule drops it.
watch_rules()
{
	cat <<-END
	table bridge domains {
		counter arrived { }
		counter ahead { }
		counter naked { }
		counter marked { }

		set protected {
			type ipv4_addr
		}

		set hosts {
			type ipv4_addr
			elements = { 10.77.0.0, 10.77.0.1, 10.77.0.2, $LAB_CLIENT4, 10.77.0.255 }
		}

		chain first {
			type filter hook prerouting priority -500; policy accept;
			ip saddr 10.77.0.0/24 ip saddr != @hosts ip saddr != @protected counter name "arrived"
			ip daddr 10.77.0.0/24 ip daddr != @hosts ip daddr != @protected counter name "arrived"
		}

		chain behind_guard {
			type filter hook prerouting priority -440; policy accept;
			ip saddr 10.77.0.0/24 ip saddr != @hosts ip saddr != @protected counter name "ahead"
			ip daddr 10.77.0.0/24 ip daddr != @hosts ip daddr != @protected counter name "ahead"
		}

		chain behind_rules {
			type filter hook forward priority 300; policy accept;
			ip saddr 10.77.0.0/24 ip saddr != @hosts meta mark & 0x10000 == 0 counter name "naked"
			ip daddr 10.77.0.0/24 ip daddr != @hosts meta mark & 0x10000 == 0 counter name "naked"
			meta mark & 0x10000 == 0x10000 counter name "marked"
		}
	}
	table inet watch {
		counter invalid { }

		chain behind_conntrack {
			type filter hook prerouting priority -100; policy accept;
			ip saddr 10.77.0.0/24 ct state invalid counter name "invalid"
		}
	}
	END
}

# counted HOST FAMILY TABLE COUNTER
counted()
{
	at "$1" nft -j list counter "$2" "$3" "$4" | jq '.nftables[] | .counter // empty | .packets'
}

watched()
{
	counted "$1" bridge domains "$2"
}

# The target's end of the session, when it has begun.
receiver_at()
{
	local pid

	for pid in $(ip netns pids "nsemig-$LAB_ID-$1"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = nsemig ] || continue
		receiver=$pid
		return 0
	done
	return 1
}

# Makes the switch forget as soon as the guard stands at host $1. With $2 the
# target is stopped for a while then, so that its guard has something to do.
forget_at()
{
	rm -f "$work/guards"
	mkfifo "$work/guards"
	{
		[ -z "$2" ] || eventually receiver_at "$1"
		while read -r line; do
			[[ $line == *nsemig-guard* ]] || continue
			[ -z "$2" ] || kill -STOP "$receiver"
			ip -n "nsemig-$LAB_ID-switch" link set br0 type bridge fdb_flush
			[ -n "$2" ] || continue
			sleep 0.3
			kill -CONT "$receiver"
			break
		done
	} <"$work/guards" &
	spawn "$1" nft monitor new tables >"$work/guards" &
	monitor=$!
}

# Entries of the domain in any state, at host $1.
all_entries()
{
	at "$1" conntrack -L 2>/dev/null | grep -E "=($LAB_VM4|$LAB_VM6) "
}

lines()
{
	grep -c '^{' "$work/$1"
}

more_lines()
{
	[ "$(lines "$1")" -gt "$2" ]
}

# tell NAME: has a helper print a line of JSON, which is then in $said.
tell()
{
	local n

	n=$(lines "$1")
	kill -USR1 "${probe_pid[$1]}"
	for _ in 1 2 3 4; do
		eventually more_lines "$1" "$n" && break
	done
	said=$(grep '^{' "$work/$1" | tail -n 1)
}

said()
{
	jq -r "$1" <<<"$said" 2>/dev/null
}

# In how many seconds the bulk stream moved at least one megabyte.
flowed()
{
	grep -c ' [1-9][0-9.]* [MG]Bytes' "$work/iperf"
}

flows_on()
{
	[ "$(flowed)" -ge $(($1 + 2)) ]
}

pinged_since()
{
	kill -QUIT "$ping_pid"
	sleep 0.05
	pinged=$(grep -o '[0-9]*/[0-9]* packets' "$work/ping" | tail -n 1)
	[ "${pinged%%/*}" -ge "$1" ]
}

start_all()
{
	spawn client "$helpers/crowd" "$LAB_VM4" 7007 -T 1000 -i 1000 -d 60000 \
		>"$work/crowd" 2>&1 &
	probe_pid[crowd]=$!
	spawn client "$helpers/resolver" "$LAB_VM4" 7007 >"$work/dns" 2>&1 &
	probe_pid[dns]=$!
	spawn client ping -q -i 0.001 "$LAB_VM4" >"$work/ping" 2>&1 &
	ping_pid=$!
	for _ in 1 2 3; do
		eventually grep -qs ready "$work/crowd" && break
	done
	grep -q ready "$work/crowd" || bail_out "the sessions do not open: $(cat "$work/crowd")"
	spawn client iperf3 -c "$LAB_VM4" -t 86400 --forceflush -f m >"$work/iperf" 2>&1 &
	iperf_pid=$!
	eventually flows_on 0 || bail_out "the bulk stream does not flow: $(cat "$work/iperf")"
}

# All that talk do so after a move as before it.
check_applications()
{
	local n got

	n=$(flowed)
	tell crowd
	is "$(said '[.flows, .alive, .dead, .wrong] | @json')" '[1000,1000,0,0]' \
		"$1: all sessions live" || diag "$said"
	tell dns
	is "$(said '[.failed, .wrong] | @json')" '[0,0]' "$1: every query is answered" ||
		diag "$said"
	at_least "$(said .answered)" $((answered + 50)) "$1: new ones, too"
	answered=$(said .answered)
	got=${pinged%%/*}
	eventually pinged_since $((${got:-0} + 500))
	ok $? "$1: pings are answered" || diag "$(tail -n 1 "$work/ping")"
	eventually flows_on "$n"
	ok $? "$1: the bulk stream flows on" || diag "$(tail -n 12 "$work/iperf")"
}

check_counters()
{
	local h name

	for name in ahead naked; do
		for h in A B; do
			is "$(watched $h $name)" 0 "$1: no packet got past $h ahead of its rules ($name)"
		done
	done
	for h in A B; do
		is "$(counter $h invalid) $(counted $h inet watch invalid)" "0 0" \
			"$1: nothing was INVALID at $h"
	done
}

# move NUMBER FROM TO [held]
move()
{
	local what="move $1, $2 -> $3" from=$2 to=$3 marked

	marked=$(watched "$to" marked)
	forget_at "$to" "${4:-}"
	migrate "$from" "$to"
	is $? 0 "$what: migrate" || diag "$(cat "$work/talk")"
	kill "$monitor" 2>/dev/null
	runs_on "$to"
	ok $? "$what: the domain runs there"
	is "$(all_entries "$from" | wc -l)" 0 "$what: no entry is left at the source" ||
		diag "$(all_entries "$from" | head -n 5)"
	check_report "$what"
	[ -n "${4:-}" ] || field '{commit: .phases_us.commit, frozen: .phases_us.frozen,
		hold: .hold_us}' >>"$work/times"
	check_applications "$what"
	check_counters "$what"
	at_least "$(watched "$to" marked)" $((marked + 1000)) "$what: its rules are in force"
	diag "$what: commit, frozen, READY held:" \
		"$(field '[.phases_us.commit, .phases_us.frozen, .hold_us] | join(", ")') us"
}

for h in A B; do
	watch_rules | at $h nft -f - || bail_out "the rules that watch"
done

# Do the counters count what they are there for? Before its rules have the
# address and the mark, they do.
at client ping -q -c 20 -i 0.01 "$LAB_VM4" >/dev/null
for name in arrived ahead naked; do
	at_least "$(watched A $name)" 40 "a domain that is not protected is counted: $name"
done
at A nft -f - <<-END
	add element bridge domains protected { $LAB_VM4 }
	insert rule bridge domains vm1_from meta mark set 0x10000
	insert rule bridge domains vm1_to meta mark set 0x10000
END
for name in arrived ahead naked; do
	at A nft reset counter bridge domains $name >/dev/null
done

start_all
answered=0 pinged=
is "$(at A sysctl -n net.netfilter.nf_conntrack_tcp_loose)$(at B sysctl -n \
	net.netfilter.nf_conntrack_tcp_loose)" 00 "no host takes up a connection in the middle"
check_applications "before"
from=A to=B
for ((i = 1; i <= moves; i++)); do
	move $i $from $to
	read -r from to <<<"$to $from"
done

# The guard stands for so short a time that nothing may come to it by itself: here
# the target is stopped, in one of some moves early enough.
for ((i = 1; i <= 5; i++)); do
	came=$(watched $to arrived)
	move "held $i" $from $to held
	came=$(($(watched $to arrived) - came))
	read -r from to <<<"$to $from"
	[ $came = 0 ] || break
done
at_least $came 1 "packets came to the guard, and none got past it"
diag "packets that came to the guard: $came"

diag "$(jq -sr 'def line(f): map(f // 0) | sort | "\(.[length / 2 | floor]) (at most \(.[-1]))";
	"median of \(length) moves in us: commit \(line(.commit)), frozen \(line(.frozen)), " +
	"READY held \(line(.hold))"' "$work/times")"
for h in crowd dns; do
	kill "${probe_pid[$h]}"
	wait "${probe_pid[$h]}"
	ok $? "$h: nothing was lost at the end" || diag "$(tail -n 1 "$work/$h")"
	diag "$h: $(tail -n 1 "$work/$h")"
done
kill -INT "$ping_pid" "$iperf_pid"
wait "$ping_pid" "$iperf_pid"
diag "ping: $(grep 'packets transmitted' "$work/ping")"
diag "iperf3: $(grep sender "$work/iperf")"
done_testing
