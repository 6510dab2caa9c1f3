# SPDX-License-Identifier: GPL-3.0-or-later
# needs: iptables-nft with all of its targets
# Targets of iptables-nft that change packets or mark them.
iptables-nft-restore <<END
*mangle
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1360
-A PREROUTING -j MARK --set-xmark 5/0xff
-A PREROUTING -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00
-A PREROUTING -j CONNMARK --restore-mark
-A PREROUTING -j CONNMARK --set-xmark 7/0xf
-A PREROUTING -j DSCP --set-dscp-class EF
-A PREROUTING -j TOS --set-tos 0x10/0x3f
-A PREROUTING -j TTL --ttl-set 64
-A PREROUTING -p tcp -j ECN --ecn-tcp-remove
-A POSTROUTING -j CLASSIFY --set-class 1:5
-A POSTROUTING -p udp -j CHECKSUM --checksum-fill
-A PREROUTING -p tcp -j TPROXY --on-port 50080 --on-ip 127.0.0.1 --tproxy-mark 1/1
-A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 5,timestamp
-A PREROUTING -j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-offset 5 --hmark-rnd 0x5
-A PREROUTING -j TEE --gateway 192.0.2.1
-A INPUT -j AUDIT --type accept
COMMIT
*filter
-A INPUT -p tcp -m tcp --dport 80 -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460
-A INPUT -j NFQUEUE --queue-num 5 --queue-bypass
-A INPUT -j NFQUEUE --queue-balance 1:4
COMMIT
*raw
-A PREROUTING -p udp -j NOTRACK
-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp --zone 5
-A PREROUTING -j CT --notrack
-A PREROUTING -j CT --ctevents new,destroy --zone-orig 7
-A PREROUTING -p tcp -j TRACE
COMMIT
*security
-A INPUT -j CONNSECMARK --save
COMMIT
END
