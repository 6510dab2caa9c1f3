# SPDX-License-Identifier: GPL-3.0-or-later
# Sets of some thousands of elements, of each way that the kernel keeps them.
{
	echo "table inet s {"
	echo "set hosts { type ipv4_addr; elements = {"
	for ((i = 0; i < 3000; i++)); do echo "10.0.$((i >> 8)).$((i & 255)),"; done
	echo "}; }"
	echo "set nets { type ipv4_addr; flags interval; elements = {"
	for ((i = 0; i < 2000; i++)); do echo "10.$((i >> 8)).$((i & 255)).0/25,"; done
	echo "}; }"
	echo "set timed { type ipv4_addr; flags timeout; counter; elements = {"
	for ((i = 0; i < 1000; i++)); do
		echo "10.0.$((i >> 8)).$((i & 255)) counter packets $i bytes $((i * 60)) timeout 1d expires $((3600 + i))s comment \"host $i\","
	done
	echo "}; }"
	echo "set pairs { type ipv4_addr . inet_service; flags interval; elements = {"
	for ((i = 0; i < 250; i++)); do echo "10.0.$i.0/24 . $((i + 1))-$((i + 5)),"; done
	echo "}; }"
	echo "set bits { type inet_service; elements = {"
	for ((i = 1; i < 2000; i += 2)); do echo "$i,"; done
	echo "}; }"
	echo "map marks { type ipv6_addr : mark; elements = {"
	for ((i = 1; i < 1000; i++)); do printf '2001:db8::%x : 0x%08x,\n' $i $i; done
	echo "}; }"
	echo "chain c { type filter hook forward priority 0; policy accept;"
	echo "ip saddr @hosts ip daddr @nets accept; ip saddr @timed drop"
	echo "ip saddr . tcp dport @pairs accept; meta mark set ip6 saddr map @marks"
	echo "}; }"
} | nft -f -
