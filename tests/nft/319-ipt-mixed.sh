# SPDX-License-Identifier: GPL-3.0-or-later
# needs: iptables-nft
# All at once, and nft's own tables beside: as hosts have grown to be.
iptables-nft-restore -c <<END
*filter
:INPUT ACCEPT [10:1000]
[3:300] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
[0:0] -A INPUT -p tcp -m comment --comment "no port" -j DROP
COMMIT
END
ip6tables-nft -A INPUT -p tcp --dport 22 -m comment --comment six -j ACCEPT
ebtables-nft -A FORWARD -p ARP -j ACCEPT
arptables-nft -A INPUT -s 192.0.2.1 -j ACCEPT
nft -f - <<END
table inet own {
	set s { type ipv4_addr; flags timeout; elements = { 192.0.2.1 timeout 1h expires 30m }; }
	chain input { type filter hook input priority 10; policy accept; ip saddr @s drop; }
}
END
nft add rule ip filter INPUT ip saddr '{ 192.0.2.1, 192.0.2.2 }' counter accept
