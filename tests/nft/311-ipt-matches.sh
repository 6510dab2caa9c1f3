# SPDX-License-Identifier: GPL-3.0-or-later
# needs: iptables-nft with all of its matches
# Every match of iptables-nft that Linux 6.18 has, for IPv4.
iptables-nft-restore <<END
*filter
-A INPUT -p sctp -m sctp --dport 5 --chunk-types any INIT -j ACCEPT
-A INPUT -p dccp -m dccp --dport 5 --dccp-types REQUEST -j ACCEPT
-A INPUT -p ah -m ah --ahspi 5:100 -j ACCEPT
-A INPUT -p esp -m esp --espspi 5 -j ACCEPT
-A INPUT -p ipcomp -m ipcomp --ipcompspi 5 -j ACCEPT
-A INPUT -m addrtype --src-type LOCAL --limit-iface-in -j DROP
-A INPUT -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" -j ACCEPT
-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 0xdeadbeef -j ACCEPT
-A INPUT -m connbytes --connbytes 100:200 --connbytes-dir both --connbytes-mode bytes -j ACCEPT
-A INPUT -m connlabel --label 5 --set -j ACCEPT
-A INPUT -p tcp -m tcp --syn -m connlimit --connlimit-above 5 --connlimit-mask 24 -j REJECT
-A INPUT -m connmark --mark 5/0xff -j ACCEPT
-A INPUT -m conntrack --ctstate NEW,ESTABLISHED --ctproto 6 --ctorigsrc 192.0.2.0/24 --ctdir ORIGINAL -j ACCEPT
-A INPUT -m conntrack --ctstatus ASSURED --ctexpire 1:100 -j ACCEPT
-A INPUT -m cpu --cpu 0 -j ACCEPT
-A INPUT -m devgroup --src-group 5 -j ACCEPT
-A INPUT -m dscp --dscp 10 -j ACCEPT
-A INPUT -p tcp -m ecn --ecn-tcp-cwr --ecn-ip-ect 1 -j ACCEPT
-A INPUT -m helper --helper ftp -j ACCEPT
-A INPUT -m iprange --src-range 192.0.2.1-192.0.2.9 -j ACCEPT
-A INPUT -m length --length 100:200 -j ACCEPT
-A INPUT -m mark --mark 5/0xff -j ACCEPT
-A INPUT -p udp -m multiport ! --ports 53 -j ACCEPT
-A INPUT -p tcp -m osf --genre Linux -j ACCEPT
-A OUTPUT -m owner --uid-owner 0-100 --gid-owner 5 -j ACCEPT
-A OUTPUT -m owner --socket-exists -j ACCEPT
-A INPUT -m pkttype --pkt-type broadcast -j DROP
-A INPUT -m policy --dir in --pol ipsec --reqid 5 -j ACCEPT
-A INPUT -m realm --realm 5 -j ACCEPT
-A INPUT -m socket --transparent -j ACCEPT
-A INPUT -m state --state NEW -j ACCEPT
-A INPUT -m statistic --mode random --probability 0.25 -j ACCEPT
-A INPUT -m string --string "hello world" --algo bm -j DROP
-A INPUT -m string --hex-string "|deadbeef|" --algo kmp --from 10 --to 100 -j DROP
-A INPUT -p tcp -m tcpmss --mss 500:1000 -j DROP
-A INPUT -m time --timestart 09:00 --timestop 17:00 --weekdays Mon,Tue -j ACCEPT
-A INPUT -m tos --tos 0x10 -j ACCEPT
-A INPUT -m ttl --ttl-lt 5 -j DROP
-A INPUT -m u32 --u32 "6&0xFF=1" -j ACCEPT
-A INPUT -m cgroup --cgroup 5 -j ACCEPT
COMMIT
*raw
-A PREROUTING -m rpfilter --invert -j DROP
COMMIT
END
