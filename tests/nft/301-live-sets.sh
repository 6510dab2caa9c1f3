# SPDX-License-Identifier: GPL-3.0-or-later
# Sets and meters that packets have filled, with what each element counts.
ip link set lo up
nft -f - <<END
table inet s {
	set plain { type ipv4_addr; flags dynamic; size 100; }
	set timed { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 100; counter; }
	set quotas { type ipv4_addr; flags dynamic,timeout; timeout 2h; size 100; quota over 60 bytes; }
	set both { type ipv4_addr . inet_service; flags dynamic; size 100; counter; quota 80 bytes; }
	set limits { type ipv4_addr; flags dynamic; size 100; limit rate 10/second burst 5 packets; }
	set full { type ipv4_addr; flags dynamic; size 2; }
	map learnt { type ipv4_addr : inet_service; flags dynamic,timeout; timeout 1h; size 100; }
	chain c {
		type filter hook output priority 0; policy accept;
		add @plain { ip daddr }
		update @timed { ip daddr }
		update @timed { ip saddr timeout 30m }
		update @quotas { ip daddr }
		update @both { ip daddr . udp dport }
		add @limits { ip daddr }
		add @full { ip daddr }
		update @learnt { ip daddr : udp dport }
		meter m size 10 { ip daddr . udp dport timeout 1m counter }
		meter n size 100 { ip daddr limit rate over 1/minute burst 2 packets } counter
		meter o size 100 { ip daddr timeout 1d quota over 30 bytes } counter
	}
}
END
for i in 1 2 3 4 5; do
	echo hello >/dev/udp/127.0.0.1/9
	echo hello >/dev/udp/127.0.0.$i/9
done 2>/dev/null
ip link set lo down
