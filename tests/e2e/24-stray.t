#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# While memory is copied the switch forgets for a moment where the VM is, and
# floods its packets: some meet entries at the target that are ahead of the VM. A
# bulk stream has gone on by gigabytes of sequence numbers when it comes there, and
# an entry of UDP that was met would have ended. So would one that was there before.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe

LAB_COPY_MS=2500 lab_up
start_answer
spawn vm iperf3 -s >/dev/null 2>&1 &
eventually listening vm 5201 || bail_out "iperf3 does not listen"
spawn client iperf3 -c "$LAB_VM4" -t 120 -b 400M --forceflush -f m >"$work/up" 2>&1 &
probe_start tcp tcp "$LAB_VM4" 7007
knocked_start
at B sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1 \
	net.netfilter.nf_conntrack_udp_timeout_stream=1

# Marks tell the entries of A from what the kernel makes of a packet at B.
entry()
{
	at "$1" conntrack -I -p udp -s "$LAB_CLIENT4" -d "$LAB_VM4" --sport 4000 --dport 4001 \
		-t "$2" -u SEEN_REPLY,ASSURED -m "$3" >/dev/null 2>&1
}

marks()
{
	at B conntrack -L -p udp 2>/dev/null | grep -F "=$LAB_VM4 " |
		sed -n 's/.* dport=\([0-9]*\) src.* mark=\([0-9]*\) .*/\1=\2/p' | sort | tr '\n' ' '
}

# Packets of the stream that come to B, flooded while memory is copied or not: the
# guard drops behind this.
at B nft -f - <<-END
	table bridge stray {
		chain prerouting {
			type filter hook prerouting priority -460
			ip saddr $LAB_CLIENT4 ip daddr $LAB_VM4 tcp dport 5201 counter
		}
	}
END

strays()
{
	at B nft -j list table bridge stray | jq '[.. | .counter? // empty | .packets] | add'
}

flowed()
{
	grep -c ' [1-9][0-9.]* MBytes' "$work/up"
}

flows_on()
{
	[ "$(flowed)" -ge $(($1 + 8)) ]
}

# What is ahead is made known by its long time to live.
ahead()
{
	at B conntrack -L -p tcp --dport 5201 2>/dev/null |
		awk '$3 > 1000000 && / ESTABLISHED / { n++ } END { exit !n }'
}

flood()
{
	eventually ahead || return
	for _ in 1 2 3; do
		at switch ip link set br0 type bridge fdb_flush
		sleep 0.02
	done
	[ "$(strays)" -ge 1 ]
}

sleep 1
at A conntrack -U -p udp -s "$LAB_VM4" --dport 7006 -m 7 >/dev/null 2>&1
{ entry A 600 9 && entry B 2 1; } || bail_out "no entries"
flood &
flooder=$!
migrate A B
status=$?
wait $flooder
ok $? "entries were there ahead of the VM, and strays came to B"
is $status 0 "migrate A -> B" || diag "$(cat "$work/talk")"
check_report "A -> B"
is "$(marks)" "4001=9 7006=7 " "the entries of UDP are those of A"
n=$(flowed)
eventually flows_on "$n"
ok $? "the bulk stream flows on" || diag "$(tail -n 12 "$work/up")"
for p in tcp knocked; do
	probe_stop $p
	ok $? "the $p session lives" || diag "$(cat "$work/$p")"
done
is "$(counter B invalid)" 0 "nothing was INVALID"
kill_jobs
done_testing
