# SPDX-License-Identifier: GPL-3.0-or-later
# needs: ebtables-nft
# ebtables-nft, with its matches and targets.
e=ebtables-nft
$e -P FORWARD DROP
$e -N web
$e -A FORWARD -i vif5.0 -o vif5.1 -j ACCEPT
$e -A FORWARD -p IPv4 --ip-src 192.0.2.1 --ip-proto tcp --ip-dport 80:90 -j web
$e -A FORWARD -p IPv4 --ip-dst ! 192.0.2.0/24 --ip-tos 0x10 -j DROP
$e -A FORWARD -p IPv6 --ip6-src 2001:db8::/32 --ip6-proto udp --ip6-sport 53 -j ACCEPT
$e -A FORWARD -p IPv6 --ip6-proto ipv6-icmp --ip6-icmp-type echo-request -j ACCEPT
$e -A FORWARD -p ARP --arp-op Request --arp-ip-src 192.0.2.1 --arp-mac-src 02:00:00:00:00:01 -j ACCEPT
$e -A FORWARD -p ARP --arp-gratuitous -j DROP
$e -A FORWARD -s 02:00:00:00:00:01 -d ! 02:00:00:00:00:02 -j ACCEPT
$e -A FORWARD -s Unicast -d Broadcast -j CONTINUE
$e -A FORWARD --among-src 02:00:00:00:00:01=192.0.2.1,02:00:00:00:00:02=192.0.2.2 -j ACCEPT
$e -A FORWARD --among-dst ! 02:00:00:00:00:01,02:00:00:00:00:03 -j DROP
$e -A FORWARD --limit 5/min --limit-burst 7 -j ACCEPT
$e -A FORWARD --mark 5/0xff -j ACCEPT
$e -A FORWARD --pkttype-type multicast -j DROP
$e -A FORWARD -d BGA --stp-type config --stp-root-prio 1:2 -j ACCEPT
$e -A FORWARD -p 802_1Q --vlan-id 7 --vlan-encap IPv4 -j ACCEPT
$e -A FORWARD -p LENGTH --802_3-sap 0x42 -j DROP
$e -A FORWARD --log-level debug --log-prefix hello --log-ip --log-arp -j CONTINUE
$e -A FORWARD --nflog-group 5 --nflog-prefix x -j CONTINUE
$e -A FORWARD -j mark --mark-set 5 --mark-target ACCEPT
$e -A web -i vif5.+ -j RETURN
$e -t nat -A PREROUTING -d 02:00:00:00:00:01 -j dnat --to-destination 02:00:00:00:00:02
$e -t nat -A POSTROUTING -s 02:00:00:00:00:01 -j snat --to-source 02:00:00:00:00:02 --snat-arp
$e -t nat -A PREROUTING -j redirect --redirect-target ACCEPT
$e -t nat -A PREROUTING -p ARP --arp-op Request -j arpreply --arpreply-mac 02:00:00:00:00:09
