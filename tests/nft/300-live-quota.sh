# SPDX-License-Identifier: GPL-3.0-or-later
# Quotas and counters that packets have met: some of them spent, which the
# kernel marks in their flags.
ip link set lo up
nft -f - <<END
table ip q {
	quota q_over { over 50 bytes; }
	quota q_until { until 50 bytes; }
	quota q_half { over 1000 bytes; }
	counter every { }
	chain c {
		type filter hook output priority 0; policy accept;
		quota name "q_over" counter name "every"
		quota name "q_until"
		quota name "q_half" drop
		quota over 100 bytes
		quota 100 bytes counter
		counter
	}
}
END
for i in 1 2 3 4 5; do
	echo hello >/dev/udp/127.0.0.1/9
	echo hello >/dev/udp/127.0.0.$i/9
done 2>/dev/null
ip link set lo down
