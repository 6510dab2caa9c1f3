# SPDX-License-Identifier: GPL-3.0-or-later
# needs: arptables-nft
# arptables-nft.
a=arptables-nft
$a -P OUTPUT DROP
$a -A INPUT -s 192.0.2.1 -d 192.0.2.0/24 -j ACCEPT
$a -A INPUT --source-mac 02:00:00:00:00:01 --destination-mac ff:ff:ff:00:00:00/ff:ff:ff:00:00:00 -j DROP
$a -A INPUT -i vif5.0 --opcode Request --h-type 1 --proto-type 0x800 --h-length 6 -j ACCEPT
$a -A OUTPUT -o vif5.+ --opcode 2 -j mangle --mangle-ip-s 192.0.2.9 --mangle-target ACCEPT
$a -A OUTPUT -j mangle --mangle-mac-d 02:00:00:00:00:01
$a -A OUTPUT -j CLASSIFY --set-class 1:2
$a -A INPUT -j MARK --set-mark 5
