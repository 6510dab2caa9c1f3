# SPDX-License-Identifier: GPL-3.0-or-later
# needs: ip6tables-nft
# The same for IPv6, with its own matches and targets.
ip6tables-nft-restore -c <<END
*filter
:INPUT DROP [1:2]
:six - [0:0]
[4:44] -A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT
[0:0] -A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 1/4 -j DROP
[0:0] -A INPUT -m ah --ahspi 5 -j ACCEPT
[0:0] -A INPUT -m dst --dst-len 8 -j ACCEPT
[0:0] -A INPUT -m hbh --hbh-len 8 -j ACCEPT
[0:0] -A INPUT -m eui64 -j ACCEPT
[0:0] -A INPUT -m frag --fragid 1:5 --fragfirst -j ACCEPT
[0:0] -A INPUT -m hl --hl-lt 5 -j DROP
[0:0] -A INPUT -m ipv6header --header frag,route --soft -j DROP
[0:0] -A INPUT -p mh -m mh --mh-type 1:3 -j ACCEPT
[0:0] -A INPUT -m rt --rt-type 0 --rt-segsleft 1:2 -j DROP
[0:0] -A INPUT -m srh --srh-next-hdr 17 -j DROP
[0:0] -A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
[0:0] -A INPUT -s 2001:db8::/32 ! -d fe80::1 -j six
[0:0] -A INPUT -p tcp -m multiport --sports 1,2,3 -j REJECT --reject-with tcp-reset
[0:0] -A INPUT -p udp -m iprange --dst-range 2001:db8::1-2001:db8::9 -j LOG --log-prefix "six "
[0:0] -A INPUT -m policy --dir in --pol none -j ACCEPT
[0:0] -A INPUT -p 47 -j ACCEPT
[0:0] -A INPUT -j REJECT --reject-with icmp6-adm-prohibited
[0:0] -A FORWARD -m physdev --physdev-in vif5.0 --physdev-is-bridged -j ACCEPT
[0:0] -A six ! -p tcp -j RETURN
COMMIT
*mangle
-A PREROUTING -j HL --hl-dec 1
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1220
-A POSTROUTING -j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64
-A PREROUTING -p tcp -j TPROXY --on-port 50080 --on-ip ::1
-A PREROUTING -j TEE --gateway 2001:db8::1
COMMIT
*nat
-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination [2001:db8::1]:8080
-A PREROUTING -p tcp -j REDIRECT --to-ports 5
-A POSTROUTING -o vif5.1 -j MASQUERADE
-A POSTROUTING -j SNAT --to-source 2001:db8::1-2001:db8::9
-A POSTROUTING -j NETMAP --to 2001:db8:1::/64
COMMIT
*raw
-A PREROUTING -m rpfilter --invert -j DROP
-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
COMMIT
END
