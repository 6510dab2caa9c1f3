# SPDX-License-Identifier: GPL-3.0-or-later
# needs: iptables-nft
# Filter rules of iptables-nft, with what they have counted.
iptables-nft-restore -c <<END
*filter
:INPUT DROP [5:500]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [7:700]
:web - [0:0]
:log_drop - [0:0]
[12:3456] -A INPUT -i lo -j ACCEPT
[1:2] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
[0:0] -A INPUT -p tcp -m tcp ! --sport 1024:65535 --tcp-flags SYN,ACK,FIN SYN --tcp-option 2 -j DROP
[0:0] -A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
[0:0] -A INPUT -p udp -m udp --sport 53 --dport 1024:65535 -j ACCEPT
[0:0] -A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
[0:0] -A INPUT -p icmp -m icmp ! --icmp-type 3/1 -j ACCEPT
[0:0] -A INPUT -p tcp -m multiport --dports 80,443,1000:2000 -j web
[0:0] -A INPUT -s 192.0.2.0/24 ! -d 10.0.0.0/8 -i vif5.0 -f -j ACCEPT
[0:0] -A INPUT -s 192.0.2.1 -m comment --comment "a comment in quotes" -g web
[0:0] -A INPUT ! -p udp -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
[0:0] -A INPUT -j log_drop
[0:0] -A FORWARD -i vif5.0 ! -o vif5.+ -j ACCEPT
[0:0] -A FORWARD ! -i vif5.1 -o vif5.1-emu -j REJECT --reject-with icmp-host-prohibited
[0:0] -A FORWARD -p tcp -j REJECT --reject-with tcp-reset
[9:99] -A web -m limit --limit 5/min --limit-burst 7 -j ACCEPT
[0:0] -A web -m mac --mac-source 02:00:00:00:00:01 -j RETURN
[0:0] -A log_drop -m limit --limit 1/sec -j LOG --log-prefix "dropped: " --log-level 7 --log-tcp-options --log-uid
[0:0] -A log_drop -j NFLOG --nflog-prefix dropped --nflog-group 5 --nflog-size 64 --nflog-threshold 5
[3:33] -A log_drop
[0:0] -A log_drop -j DROP
COMMIT
END
