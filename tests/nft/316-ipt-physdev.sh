# SPDX-License-Identifier: GPL-3.0-or-later
# needs: iptables-nft with physdev
# What a host with bridges has for its virtual machines: whole names, names that
# begin alike, both directions.
iptables-nft-restore -c <<END
*filter
:FORWARD DROP [0:0]
:vif5.0-in - [0:0]
:vif5.1-in - [0:0]
[7:700] -A FORWARD -m physdev --physdev-in vif5.0 -j vif5.0-in
[0:0] -A FORWARD -m physdev --physdev-in vif5.1 -j vif5.1-in
[0:0] -A FORWARD -m physdev --physdev-in vif5.10 -j DROP
[0:0] -A FORWARD -m physdev --physdev-in vif5.1-emu -j ACCEPT
[0:0] -A FORWARD -m physdev --physdev-in vif5.+ --physdev-is-bridged -j ACCEPT
[0:0] -A FORWARD -m physdev ! --physdev-out vif5.0 --physdev-is-bridged -j DROP
[0:0] -A FORWARD -m physdev --physdev-is-out -j ACCEPT
[0:0] -A vif5.0-in -s 192.0.2.1 -m mac --mac-source 00:16:3e:00:00:01 -j RETURN
[0:0] -A vif5.0-in -p udp -m udp --sport 68 --dport 67 -j RETURN
[0:0] -A vif5.0-in -j DROP
[0:0] -A vif5.1-in -p tcp -m physdev --physdev-out vif5.0 --physdev-is-bridged -j ACCEPT
COMMIT
END
