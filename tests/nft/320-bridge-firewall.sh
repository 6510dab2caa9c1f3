# SPDX-License-Identifier: GPL-3.0-or-later
# A firewall that takes hooks of four families at once, filled by packets.
ip link set lo up
nft -f - <<END
table netdev early {
	counter in { }
	chain lo { type filter hook ingress device "lo" priority 0; policy accept; counter name "in"; }
}
table inet main {
	counter out { }
	set talkers { type ipv4_addr; flags dynamic,timeout; timeout 1h; counter; size 100; }
	chain output { type filter hook output priority 0; policy accept; counter name "out"; update @talkers { ip daddr }; }
	chain nat { type nat hook postrouting priority 100; policy accept; counter; }
}
table bridge b {
	chain forward { type filter hook forward priority 0; policy accept; counter packets 1 bytes 1; }
}
table arp a {
	chain input { type filter hook input priority 0; policy drop; counter packets 2 bytes 2; }
}
END
for i in 1 2 3; do echo hello >/dev/udp/127.0.0.$i/9; done 2>/dev/null
ip link set lo down
