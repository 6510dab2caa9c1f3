# SPDX-License-Identifier: GPL-3.0-or-later
# A ruleset that has been lived in: steps over time, rules replaced, elements
# gone, chains that were bound and are no more.
nft add table inet e
nft add chain inet e c '{ type filter hook input priority 0; policy accept; }'
nft add set inet e s '{ type ipv4_addr; flags interval; }'
for i in 1 2 3 4 5 6; do
	nft add rule inet e c ip saddr "{ 192.0.2.$i, 192.0.2.9 }" accept
	nft add element inet e s "{ 10.0.$i.0/24 }"
done
nft delete element inet e s '{ 10.0.3.0/24 }'
handle() { nft -a list chain inet e c | sed -n "s/.*192.0.2.$1, .* # handle //p"; }
nft delete rule inet e c handle "$(handle 2)"
nft replace rule inet e c handle "$(handle 4)" ip saddr 192.0.2.44 drop
nft insert rule inet e c handle "$(handle 5)" meta mark 7 accept
nft add rule inet e c handle "$(handle 1)" meta mark 8 accept
nft add rule inet e c meta mark 10 jump '{' accept\; '}'
nft insert rule inet e c meta mark 9 accept
nft add chain inet e c '{ policy drop; }'
nft add table inet e '{ flags dormant; }'
nft add table inet e
nft rename chain inet e c d
nft add rule inet e d ip saddr @s counter
nft add counter inet e k
nft add element inet e s '{ 10.0.3.0/25, 10.0.3.128/25 }'
nft delete counter inet e k
nft add counter inet e k
