# SPDX-License-Identifier: GPL-3.0-or-later
# needs: iptables-nft with hashlimit, recent, quota, statistic
# Matches that keep a state of their own, which only the kernel knows.
iptables-nft-restore <<END
*filter
-A INPUT -m hashlimit --hashlimit-upto 10/sec --hashlimit-burst 5 --hashlimit-mode srcip,dstport --hashlimit-name h1 -j ACCEPT
-A INPUT -m hashlimit --hashlimit-above 512kb/s --hashlimit-mode dstip --hashlimit-name h2 -j DROP
-A INPUT -m recent --name r --update --seconds 60 --hitcount 4 -j DROP
-A INPUT -m recent --name r --set -j ACCEPT
-A INPUT -m quota --quota 1000000 -j ACCEPT
-A INPUT -m statistic --mode nth --every 5 --packet 1 -j ACCEPT
-A INPUT -m limit --limit 5/min --limit-burst 7 -j ACCEPT
COMMIT
END
