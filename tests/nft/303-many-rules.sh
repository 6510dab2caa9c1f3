# SPDX-License-Identifier: GPL-3.0-or-later
# A thousand rules with a set each, a hundred chains with a counter each.
{
	echo "table inet r {"
	for ((i = 0; i < 100; i++)); do
		echo "counter n$i { packets $i bytes $((i * 100)); }"
		echo "chain c$i { counter name \"n$i\"; ip saddr 192.0.2.$i tcp dport { 22, $((i + 1000)) } accept; }"
	done
	echo "map vifs { type ifname : verdict; elements = {"
	for ((i = 0; i < 100; i++)); do echo "\"vif$i.0\" : jump c$i,"; done
	echo "}; }"
	echo "chain forward { type filter hook forward priority 0; policy drop;"
	echo "iifname vmap @vifs"
	for ((i = 0; i < 1000; i++)); do
		echo "ip saddr { 10.0.$((i >> 8)).$((i & 255)), 10.9.9.9 } counter packets $i bytes $i accept"
	done
	echo "}; }"
} | nft -f -
