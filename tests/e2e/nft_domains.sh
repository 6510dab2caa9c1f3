# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Domains that share tables: web1 and db1 on host A, mail1 on host B. Sourced
# behind nft.sh, when $work is there.

# --- the hosts: what runs there, as a platform tells it
domain()
{
	printf '{"name":"%s","id":%d,"vifs":[{"devid":%d,"name":"vif%d.%d","mac":"%s"}],"addresses":["%s","%s"]}\n' \
		"$1" "$2" "$3" "$2" "$3" "$4" "$5" "$6"
}
web1=$(domain web1 5 1 00:16:3e:00:00:51 192.0.2.51 2001:db8::51)
web1_at_b=$(domain web1 9 1 00:16:3e:00:00:51 192.0.2.51 2001:db8::51)
db1=$(domain db1 5 10 00:16:3e:00:00:5a 192.0.2.5 2001:db8::5)
mail1=$(domain mail1 6 0 00:16:3e:00:00:60 192.0.2.60 2001:db8::60)
cat >"$work/platform" <<'END'
#!/bin/sh
# platform DIR VERB [DOMAIN]: each domain is a file.
case $2 in
list) echo "[$(cat "$1"/* | paste -sd,)]" ;;
describe) cat "$1/$3" 2>/dev/null || exit 1 ;;
*) exit 1 ;;
esac
END
for h in A B C; do
	mkdir "$work/domains$h"
	printf '#!/bin/sh\nexec sh %s %s "$@"\n' "$work/platform" "$work/domains$h" >"$work/platform$h"
	chmod 755 "$work/platform$h"
	printf '[nsemig]\nplatform = script:%s\n' "$work/platform$h" >"$work/conf$h"
done
echo "$web1" >"$work/domainsA/web1"
echo "$db1" >"$work/domainsA/db1"
echo "$mail1" >"$work/domainsB/mail1"

# at_host A|B ARG...: nsemig there, with that host's configuration.
at_host()
{
	NSEMIG_CONFIG=$work/conf${1:0:1} nsemig_at "$@"
}

# --- the rules: a skeleton that both hosts have, and each domain's own
skeleton()
{
	cat <<-END
	table inet filter {
		counter invalid { }
		set blocked { type ipv4_addr; flags timeout; elements = { 203.0.113.7 timeout 1d }; }
		set spoof { type ifname . ether_addr . ipv4_addr; }
		map from_vif { type ifname : verdict; }
		map to_addr { type ipv4_addr : verdict; flags interval; }
		chain common { tcp dport 25 drop; }
		chain forward {
			type filter hook forward priority filter; policy drop;
			ct state invalid counter name "invalid" drop
			ct state established,related accept
			ip saddr @blocked drop comment "whom nobody wants"
			iifname . ether saddr . ip saddr != @spoof drop
			iifname vmap @from_vif
			ip daddr vmap @to_addr
		}
	}
	END
}

# domain_rules NAME VIF MAC ADDRESS: what a domain adds to it.
domain_rules()
{
	cat <<-END
	table inet filter {
		counter $1_in { packets 1000 bytes 100000; }
		counter $1_out { packets 2000 bytes 200000; }
		quota $1_month { over 100000 mbytes used 4200 mbytes; }
		set $1_blocked {
			type ipv4_addr; flags timeout; counter
			elements = { 198.51.100.1 counter packets 5 bytes 300 timeout 1h expires 20m,
				198.51.100.2 timeout 10m expires 5m comment "by hand" }
		}
		set $1_rate { type ipv4_addr; flags dynamic,timeout; size 1000; timeout 5m; elements = { 198.51.100.9 expires 2m }; }
		chain $1_from {
			counter name "$1_out"
			quota name "$1_month" drop
			ip daddr { 198.51.100.25, 198.51.100.26 } drop
			jump common
			accept
		}
		chain $1_to {
			counter name "$1_in"
			ip saddr @$1_blocked counter packets 77 bytes 7700 drop
			tcp dport 22 update @$1_rate { ip saddr limit rate over 5/minute } drop
			meter $1_meter size 100 { ip saddr timeout 1m limit rate over 100/second } drop
			tcp dport vmap { 80 : accept, 443 : accept, 25 : jump common }
			ip saddr 198.51.100.77 jump { counter packets 3 bytes 33; accept; }
		}
	}
	add element inet filter spoof { "$2" . $3 . $4, "$2-emu" . $3 . $4 }
	add element inet filter from_vif { "$2" : jump $1_from, "$2-emu" : jump $1_from }
	add element inet filter to_addr { $4 : jump $1_to }
	END
}

# In the middle of the shared chain, behind its second rule. (nft 1.0.6 crashes on
# an index and a chain of `jump { }` in one file, so it is loaded alone.)
anchor_rules()
{
	cat <<-END
	add rule inet filter forward index 1 iifname "$1" ip daddr 198.51.100.99 counter packets 9 bytes 99 drop
	END
}

web1_rules() { domain_rules web1 vif5.1 00:16:3e:00:00:51 192.0.2.51; }
web1_at_b_rules() { domain_rules web1 vif9.1 00:16:3e:00:00:51 192.0.2.51; }
db1_rules() { domain_rules db1 vif5.10 00:16:3e:00:00:5a 192.0.2.5; }
mail1_rules() { domain_rules mail1 vif6.0 00:16:3e:00:00:60 192.0.2.60; }
web1_anchor() { anchor_rules vif5.1; }
web1_at_b_anchor() { anchor_rules vif9.1; }
db1_anchor() { anchor_rules vif5.10; }
mail1_anchor() { anchor_rules vif6.0; }

# fill HOST NAME...: a fresh host with these parts of the rules.
fill()
{
	local host=$1 p

	ns_new "$host"
	for p in "${@:2}"; do
		$p >"$work/part"
		ns "$host" nft -f "$work/part" || bail_out "$p does not load"
	done
}

# others_of HOST NAME: the other domain's share and the skeleton with all handles,
# which must not change by one byte but for what time itself does.
others_of()
{
	local o

	for o in "chain inet filter $2_from" "chain inet filter $2_to" "counter inet filter $2_in" \
		"counter inet filter $2_out" "quota inet filter $2_month" "set inet filter $2_blocked" \
		"set inet filter $2_rate" "chain inet filter common" "set inet filter blocked" \
		"counter inet filter invalid"; do
		# shellcheck disable=SC2086
		ns "$1" nft -a list $o
	done | sed -E 's/expires [0-9a-z]+//g'
	ns "$1" nft -a list chain inet filter forward | grep -v '"vif[59]\.1"'
	for o in 'set inet filter spoof' 'map inet filter from_vif' 'map inet filter to_addr'; do
		# shellcheck disable=SC2086
		ns "$1" nft -a -j list $o 2>/dev/null |
			jq -c '.nftables[] | .set // .map // empty | .handle, .elem[]?'
	done | grep -v '"vif[59]\.1"\|"vif[59]\.1-emu"\|"192\.0\.2\.51"'
}

# remaining HOST SET ADDRESS: milliseconds until the element goes.
remaining()
{
	ns "$1" nft list set inet filter "$2" | grep -o "$3[^,}]*" |
		sed -n 's/.*expires \([0-9a-z]*\).*/\1/p' |
		perl -ne '%u = (d => 864e5, h => 36e5, m => 6e4, s => 1e3, ms => 1);
			$t += $1 * $u{$2} while /(\d+)(ms|[dhms])/g; print $t'
}
now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# what TYPE FILE: the names of the records of a type, but for those of rules' own
# sets and chains.
what()
{
	"$NSEMIG" show --json "$2" | jq -r --arg t "$1" '.records[] | select(.type == $t) |
		[.key.chain // .key.set // .key.name // .key.table] | first' |
		grep -v '^@' | sort -u | paste -sd' '
}

# Where something has come or changed its name, the order is another.
in_any_order() { jq -S -c 'walk(if type == "array" then sort else . end)' | sort; }

# unchanged HOST FILE NAME: is all of it as ns_raw has written it to FILE?
unchanged()
{
	ns_raw "$1" "$work/now"
	raw_same "$2" "$work/now" "$3"
}
