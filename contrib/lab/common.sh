# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the lab and its platform share: names and addresses of the lab's parts,
# the frozen and the running state of a domain, and the two movements of
# its interfaces. Sourced by bash; LAB_ID tells one lab from another, and
# LAB_DOMAIN which of its domains is meant.

LAB_ID=${LAB_ID:-lab}
LAB_STATE=/run/nsemig-lab-$LAB_ID

# The addresses; those of NAT exist in a lab made with --nat.
LAB_CLIENT4=10.77.0.100
LAB_CLIENT6=fd77::100
LAB_NAT_INSIDE=172.16.77.10
LAB_NAT_OUTSIDE=192.0.2.10
LAB_NAT_CLIENT=192.0.2.100
LAB_MGMT_A=10.78.0.1
LAB_MGMT_B=10.78.0.2

# What a domain has; a host's free_kib says what it could give to one more.
LAB_MEMORY_KIB=262144

lab_die()
{
	echo "${0##*/}: $*" >&2
	exit 3
}

# Everything about a domain is about $1 from here on: one of vm1 to vm9. The
# first is what a lab has when nothing else was asked for.
lab_domain()
{
	local n=${1#vm}

	[[ $1 == vm[1-9] ]] || lab_die "'$1' is none of vm1 to vm9"
	LAB_DOMAIN=$1
	LAB_PART=vm${n#1}
	LAB_DIR=$LAB_STATE/domain${n#1}
	LAB_UUID=7d1c5a52-0f3b-4a54-9a55-0000006e73$((64 + n))
	LAB_VM4=10.77.0.$((9 + n))
	LAB_VM6=fd77::$((9 + n))
	LAB_MAC0=$(printf '00:16:3e:77:00:%02x' $((9 + n)))
	LAB_MAC1=$(printf '00:16:3e:77:01:%02x' $((9 + n)))
}

# The domains that the lab has.
lab_domains()
{
	local n

	for n in '' 2 3 4 5 6 7 8 9; do
		[ ! -d "$LAB_STATE/domain$n" ] || echo "vm${n:-1}"
	done
}

# The network namespace of A, B, vm (of vm1), vm2 and so on, client or switch.
lab_ns()
{
	case $1 in
	A | B | vm | vm[2-9] | client | switch) echo "nsemig-$LAB_ID-$1" ;;
	*) lab_die "'$1' is none of A, B, vm, vm2 to vm9, client, switch" ;;
	esac
}

# Runs a command in a part's network namespace. The mount namespace stays,
# so that the control groups remain visible (ip netns exec would hide them).
lab_in()
{
	local ns

	ns=$(lab_ns "$1")
	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

lab_other()
{
	if [ "$1" = A ]; then echo B; else echo A; fi
}

lab_put()
{
	echo "$2" >"$LAB_DIR/.$1.$BASHPID"
	mv "$LAB_DIR/.$1.$BASHPID" "$LAB_DIR/$1"
}

lab_get()
{
	cat "$LAB_DIR/$1"
}

# A new domain id at host $1, where others may ask for one at the same time.
lab_new_domid()
{
	local id

	{
		flock 6
		read -r id <&6
		echo $((id + 1)) | tee "$LAB_STATE/host$1/domid"
	} 6<"$LAB_STATE/host$1/domid"
}

lab_ms()
{
	printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}

# Frozen is the control group's business where there is a freezer (version 1
# or 2); elsewhere each process of the VM's namespace is stopped.
lab_freezer()
{
	local group=nsemig-lab-$LAB_ID

	[ "$LAB_PART" = vm ] || group+=-$LAB_PART
	if [ -w /sys/fs/cgroup/freezer/cgroup.procs ]; then
		echo "/sys/fs/cgroup/freezer/$group"
	elif [ -w /sys/fs/cgroup/cgroup.procs ]; then
		echo "/sys/fs/cgroup/$group"
	fi
}

lab_signal_vm()
{
	local pid

	for pid in $(ip netns pids "$(lab_ns "$LAB_PART")"); do
		kill "-$1" "$pid" 2>/dev/null || true
	done
}

# Writes $2 to the group's file $1 and waits until file $3 has the line $4.
lab_freezer_set()
{
	local dir i

	dir=$(lab_freezer)
	echo "$2" >"$dir/$1"
	for ((i = 0; i < 500; i++)); do
		grep -qx "$4" "$dir/$3" && return 0
		sleep 0.01
	done
	lab_die "the VM's processes did not become '$4' within 5 s"
}

lab_freeze()
{
	local dir

	dir=$(lab_freezer)
	if [ -e "$dir/freezer.state" ]; then
		lab_freezer_set freezer.state FROZEN freezer.state FROZEN
	elif [ -e "$dir/cgroup.freeze" ]; then
		lab_freezer_set cgroup.freeze 1 cgroup.events 'frozen 1'
	else
		lab_signal_vm STOP
	fi
}

lab_thaw()
{
	local dir

	dir=$(lab_freezer)
	if [ -e "$dir/freezer.state" ]; then
		lab_freezer_set freezer.state THAWED freezer.state THAWED
	elif [ -e "$dir/cgroup.freeze" ]; then
		lab_freezer_set cgroup.freeze 0 cgroup.events 'frozen 0'
	else
		lab_signal_vm CONT
	fi
}

# The device ids of the VM's interfaces: 0, and 1 behind NAT.
lab_devids()
{
	if [ -e "$LAB_STATE/nat" ]; then echo 0 1; else echo 0; fi
}

lab_bridge()
{
	if [ "$1" = 0 ]; then echo br0; else echo brnat; fi
}

# The vifs as they are named now, wherever they are: "HOST IFNAME DEVID". Whose
# they are stands in their aliases.
lab_find_vifs()
{
	local host n

	for host in A B; do
		for n in $(ip -n "$(lab_ns $host)" -o link show type veth |
			sed -n "s/^[0-9]*: \(vif[0-9]*\.[0-9]*\)[@:].*alias $LAB_DOMAIN\$/\1/p"); do
			echo "$host $n ${n#*.}"
		done
	done
}

# Cuts the domain's links where they are.
lab_links_down()
{
	local host name devid

	lab_find_vifs | while read -r host name devid; do
		ip -n "$(lab_ns "$host")" link set "$name" down
	done
}

# Setting its own address again makes the kernel announce an interface: a
# gratuitous ARP and an unsolicited neighbour advertisement (arp_notify and
# ndisc_notify are on), as a guest's network driver does after a move.
lab_announce()
{
	ip -n "$(lab_ns "$1")" link set "$2" address "$3"
}

# Makes the domain run at host $1 as domid $2, wherever and in whatever
# state it is. Doing it twice does no harm, so it also ends a broken move.
lab_run_at()
{
	local host=$1 domid=$2 from name devid ns

	ns=$(lab_ns "$host")
	lab_find_vifs | while read -r from name devid; do
		if [ "$from" != "$host" ]; then
			ip -n "$(lab_ns "$from")" link set "$name" netns "$ns" \
				name "vif$domid.$devid"
		elif [ "$name" != "vif$domid.$devid" ]; then
			ip -n "$ns" link set "$name" down name "vif$domid.$devid"
		fi
		ip -n "$ns" link set "vif$domid.$devid" master "$(lab_bridge "$devid")" up
	done
	lab_put domid "$domid"
	lab_put host "$host"
	if [ -e "$LAB_STATE/nat" ]; then
		ip -n "$(lab_ns "$(lab_other "$host")")" addr del \
			"$LAB_NAT_OUTSIDE/32" dev br0 2>/dev/null || true
		ip -n "$ns" addr replace "$LAB_NAT_OUTSIDE/32" dev br0
		lab_announce "$host" br0 "$(cat "$LAB_STATE/host$host/mac")"
		lab_announce "$LAB_PART" eth1 "$LAB_MAC1"
	fi
	lab_announce "$LAB_PART" eth0 "$LAB_MAC0"
	lab_thaw
	lab_put phase runs
}

# Ends a move that nobody drives any more: back to the source before the
# line of no return, forward to the target after it.
lab_recover()
{
	case $(lab_get phase) in
	runs) ;;
	go) lab_run_at "$(lab_get to)" "$(lab_get newid)" ;;
	*) lab_run_at "$(lab_get host)" "$(lab_get domid)" ;;
	esac
}

lab_domain "${LAB_DOMAIN:-vm1}"
