# SPDX-License-Identifier: GPL-3.0-or-later
# needs: iptables-nft
# NAT by iptables-nft.
iptables-nft-restore -c <<END
*nat
:PREROUTING ACCEPT [1:60]
:POSTROUTING ACCEPT [2:120]
:web - [0:0]
[5:300] -A PREROUTING -d 203.0.113.1 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.0.2.1:8080
[0:0] -A PREROUTING -j DNAT --to-destination 192.0.2.1-192.0.2.9 --random --persistent
[0:0] -A PREROUTING -i vif5.0 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080-8090
[0:0] -A PREROUTING -j web
[0:0] -A web -d 192.0.2.77 -j RETURN
[0:0] -A POSTROUTING -j SNAT --to-source 192.0.2.1
[0:0] -A POSTROUTING -p udp -j SNAT --to-source 192.0.2.1-192.0.2.5:1024-2048 --random-fully
[0:0] -A POSTROUTING -o vif5.0 -j MASQUERADE
[0:0] -A POSTROUTING -p tcp -j MASQUERADE --to-ports 1024-2048 --random-fully
[0:0] -A POSTROUTING -j NETMAP --to 198.51.100.0/24
COMMIT
END
