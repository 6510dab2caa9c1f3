#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What runs without anybody looking on: the configuration in its files, snapshots
# of all domains, the journal and syslog, the figures for Prometheus, and the
# examples for systemd, cron, logrotate and Prometheus.

. "$(dirname "$0")/lib.sh"

# In a mount namespace of its own, with a /etc, a /run and a /dev/log that
# are nobody else's.
if [ -z "${AUTOMATION_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || skip_all "namespaces need root"
	AUTOMATION_INSIDE=1 exec unshare --mount --propagation private bash "$0"
fi
e2e_start
need_nsemig
unset NSEMIG_CONFIG

cleanup()
{
	[ -z "${journald:-}" ] || kill "$journald" 2>/dev/null
	# Nothing of the machine's may be where the files are removed.
	umount -lR /dev "$work/dev" 2>/dev/null
	umount -l /etc 2>/dev/null
	mountpoint -q "$work/dev" || e2e_cleanup
}
trap cleanup EXIT

mkdir "$work/etc" "$work/etc.work" "$work/bin"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$work/etc,workdir=$work/etc.work" /etc \
	2>/dev/null || mount -t tmpfs tmpfs /etc || bail_out "no /etc of our own"
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/systemd/journal /etc/nsemig/conf.d
mkdir "$work/dev"
mount -t tmpfs tmpfs "$work/dev"
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$work/dev"
mkdir "$work/dev/pts" "$work/dev/shm"
mount --bind /dev/pts "$work/dev/pts"
ln -s /proc/self/fd "$work/dev/fd"
ln -s pts/ptmx "$work/dev/ptmx"
ln -s /run/systemd/journal/dev-log "$work/dev/log"
mount --rbind "$work/dev" /dev

ln -s "$NSEMIG" "$work/bin/nsemig"
out=$work/out err=$work/err
# run ARG...: nsemig in an empty network; its status is $rc.
run()
{
	unshare --net "$NSEMIG" "$@" >"$out" 2>"$err"
	rc=$?
}
conf() { cat >"/etc/nsemig/$1"; }

# --- the configuration
run config
is "$rc $(grep -c '^#' "$out")" "0 0" "no configuration is one"
conf nsemig.conf <<'END'
[nsemig]
state-dir = /run/first
[domain web1]
addresses = 192.0.2.1
	192.0.2.2
END
conf conf.d/10-b.conf <<'END'
[nsemig]
state-dir = /run/second
END
conf conf.d/9-c.conf <<'END'
[domain web1]
addresses = 192.0.2.9
END
echo '[bogus]' | conf conf.d/README
echo '[bogus]' | conf conf.d/.hidden.conf
run config state-dir
is "$rc $(cat "$out")" "0 /run/second" "conf.d comes after nsemig.conf"
run config domain.web1.addresses
is "$rc $(cat "$out")" "0 192.0.2.9" "and replaces a list as a whole"
run config --show-origin
is "$(grep web1 "$out")" \
	"/etc/nsemig/conf.d/9-c.conf:2	domain.web1.addresses = 192.0.2.9" "--show-origin"
is "$(grep timeout "$out")" "default	migrate.timeout = 30" "--show-origin of a default"
run config --json
is "$(jq -c '[.files[] | sub(".*/"; "")]' "$out")" \
	'["nsemig.conf","10-b.conf","9-c.conf"]' "the files in the order of their names"
is "$(jq -c '.values[] | select(.key == "state-dir") | [.value, .line]' "$out")" \
	'["/run/second",2]' "--json has value and line"
run show --json web1
is "$(jq -c .scope.domain.addresses "$out")" '["192.0.2.9"]' "commands see the same"
run config
cp "$out" "$work/all.conf"
NSEMIG_CONFIG=$work/all.conf run config
is "$(grep -v '^#' "$out")" "$(grep -v '^#' "$work/all.conf")" "what is printed can be read back"
is "$(grep '^#' "$out")" "# $work/all.conf" "NSEMIG_CONFIG is read alone"
run config domain.web1.zones
is "$rc $(cat "$out")" "1 " "a key that is not set"
run config state-dri
like "$rc $(cat "$err")" "2 .*did you mean 'nsemig.state-dir'" "a key that does not exist"
run config --keys
cp "$out" "$work/keys"
bad=
while read -r key; do
	run config "$key"
	[ $rc -lt 2 ] || bad+="$key "
done <"$work/keys"
is "$bad$(grep -c '^domain.web1.' "$work/keys")" 9 "--keys lists what can be asked for"
undocumented=
for key in $(sed 's/.*\.//' "$work/keys" | sort -u); do
	grep -q "^\.It Cm .*\b$key\b" "$top/man/nsemig.conf.5" || undocumented+="$key "
done
is "$undocumented" "" "the manual has every key"
printf '[nsemig]\nplatform = kvm\n[metric]\n[snapshot]\nkeep = 3\nkeep = 4\n' >"$work/bad"
run config --check "$work/bad"
is "$rc $(cut -d: -f3 "$err" | xargs)" "3 2 3 6" "--check tells all errors with their lines"
cp "$work/bad" /etc/nsemig/conf.d/zz.conf
run show web1
like "$rc $(cat "$err")" "3 .*/conf.d/zz.conf:2: " "an error in conf.d stops every command"
rm /etc/nsemig/conf.d/*.conf
run config --check "$top/contrib/nsemig.conf"
is $rc 0 "the example has no errors"
# Its keys, without the semicolons that keep them from being set.
sed 's/^; //' "$top/contrib/nsemig.conf" >"$work/example"
run config --check "$work/example"
is "$rc $(cat "$err")" "0 nsemig: $work/example has no errors" "nor has all that it shows"

# --- snapshots of all domains
cat >"$work/platform" <<END
#!/bin/sh
d() { printf '{"name":"%s","id":%s,"addresses":["192.0.2.%s"]}' "\$1" "\$2" "\$2"; }
case \$1 in
list)
	if [ -e $work/gone ]; then echo "[\$(d web1 1)]"; else
	echo "[\$(d web1 1),\$(d 'a b/c' 2),\$(d .dot 3),\$(d left 4)]"; fi ;;
describe)
	case \$2 in
	web1) d web1 1 ;;
	'a b/c') [ ! -e $work/broken ] || { echo nonsense; exit 0; }; d 'a b/c' 2 ;;
	.dot) [ ! -e $work/slow ] || cat $work/slow; d .dot 3 ;;
	*) exit 1 ;;
	esac ;;
*) exit 1 ;;
esac
END
chmod 755 "$work/platform" "$work"
prom=$work/nsemig.prom
conf nsemig.conf <<END
[nsemig]
platform = script:$work/platform
state-dir = $work/state
[metrics]
textfile = $prom
[domain left]
snapshot = no
END
snaps=$work/snaps
stem='-[0-9]{8}T[0-9]{6}\.[0-9]{6}Z\.nsc$'
files_of() { find "$snaps" -type f -printf '%f\n' | grep -E "^$1$stem" | sort; }
run snapshot --all-domains --keep 2 "$snaps"
is "$rc" 0 "snapshot --all-domains" || diag "$(cat "$err")"
for name in web1 'a%20b%2Fc' '%2Edot'; do
	is "$(files_of "$name" | wc -l)" 1 "a file of $name"
	is "$(readlink "$snaps/$name-latest.nsc")" "$(files_of "$name")" "a link to it"
done
is "$(files_of left)" "" "none of the one that the configuration leaves out"
is "$("$NSEMIG" show --json "$snaps/a%20b%2Fc-latest.nsc" | jq -r .scope.domain.name)" 'a b/c' \
	"what it names is the domain's snapshot"
is "$(stat -c %a "$snaps" "$snaps/$(files_of web1)" | xargs)" "700 600" "all is private"
first=$(files_of web1)
touch "$snaps/web1-notes.nsc" "$snaps/web10-20200101T000000.000000Z.nsc" \
	"$snaps/web1-20200101T000000.000000Z.nsc.AbCdEf"
run snapshot --all-domains --keep 2 "$snaps"
run snapshot --all-domains --keep 2 "$snaps" --json
is "$rc $(jq -c '[.stored, .failed, .removed]' "$out")" "0 [3,0,3]" "--json says what was done"
is "$(jq -c '.domains[] | select(.domain == "web1") | [.result, .records, .removed,
	(.bytes > 0), (.us >= 0)]' "$out")" '["stored",0,1,true,true]' "and of each domain"
is "$(jq -r '.domains[] | select(.domain == "web1") | .file' "$out")" \
	"$(readlink "$snaps/web1-latest.nsc")" "with its file"
is "$(files_of web1 | wc -l)" 2 "two are kept"
[ ! -e "$snaps/$first" ]
ok $? "the oldest is not one of them"
is "$(find "$snaps" -name '*notes*' -o -name 'web10*' | wc -l)" 2 "other files stay"
is "$(find "$snaps" -name '*.AbCdEf')" "" "what a killed run left is removed"

# One fails, the others do not.
: >"$work/broken"
before=$(files_of 'a%20b%2Fc')
run snapshot --all-domains --keep 1 "$snaps"
is "$rc" 3 "a domain that fails"
like "$(cat "$err")" "domain a b/c: " "is named"
is "$(files_of 'a%20b%2Fc')" "$before" "and keeps what it had"
is "$(files_of web1 | wc -l) $(files_of '%2Edot' | wc -l)" "1 1" "the others are stored"
rm "$work/broken"
: >"$work/gone"
run snapshot --all-domains --keep 1 "$snaps"
is "$rc $(files_of 'a%20b%2Fc')" "0 $before" "a domain that is gone keeps its files"
rm "$work/gone"

# Two at once: the one waits in the platform, the other does not wait.
mkfifo "$work/slow"
unshare --net "$NSEMIG" snapshot --all-domains "$snaps" 2>"$work/slow.err" &
slow=$!
eventually grep -q "FLOCK .* $slow .*:$(stat -c %i "$snaps") " /proc/locks
run snapshot --all-domains "$snaps"
like "$rc $(cat "$err")" "3 .*another .* is writing to $snaps" "two runs do not overlap"
for i in 1 2 3 4 5 6; do
	kill -0 $slow 2>/dev/null || break
	timeout 5 sh -c ": >$work/slow" || break
done
wait $slow
is "$? $(cat "$work/slow.err" | grep -c stored)" "0 1" "the first one is not disturbed"
rm "$work/slow"
run snapshot --all-domains --keep 2 -o x
is $rc 2 "--all-domains with --output is a usage error"
run snapshot --keep 2 web1
is $rc 2 "--keep without --all-domains, too"
run snapshot --all-domains
like "$rc $(cat "$err")" "2 .*needs a DIR" "a directory is needed"
printf '[snapshot]\ndirectory = %s\nkeep = 1\n' "$snaps" | conf conf.d/s.conf
run snapshot --all-domains -q
is "$rc $(files_of web1 | wc -l) $(cat "$err")" "0 1 " "the configuration may name it"
rm -f "$snaps/web1-latest.nsc"
mkdir "$snaps/web1-latest.nsc"
run snapshot --all-domains -q
like "$rc $(cat "$err")" "3 .*web1-latest.nsc is no symbolic link" "a link's place that is taken"
rmdir "$snaps/web1-latest.nsc"

# --- the figures: parsed strictly, as the exporter would
cat >"$work/parse" <<'END'
import re, sys
help_, type_, done, last = {}, {}, set(), None
seen = {}
for n, line in enumerate(open(sys.argv[1], newline=""), 1):
    assert line.endswith("\n"), n
    line = line[:-1]
    m = re.fullmatch(r"# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)", line)
    if m:
        where = help_ if m[1] == "HELP" else type_
        assert m[2] not in where and m[2] not in done, line
        where[m[2]] = m[3]
        continue
    m = re.fullmatch(r'([a-zA-Z_:][\w:]*)(\{([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"\})? '
                     r"(-?\d+(?:\.\d+)?)", line)
    assert m, line
    assert m[1] in help_ and type_[m[1]] in ("counter", "gauge"), line
    assert (type_[m[1]] == "counter") == m[1].endswith("_total"), line
    if last != m[1]:
        assert m[1] not in done, "samples of a family stand together: " + line
        done.add(m[1])
        last = m[1]
    key = m[1] + (m[2] or "")
    assert key not in seen, line
    seen[key] = float(m[5])
for want in sys.argv[2:]:
    print(f"{seen[want]:g}" if want in seen else "none")
END
metric() { python3 "$work/parse" "$prom" "$@" | xargs; }
stored=$(metric 'nsemig_snapshots_total{result="stored"}')
isnt "$stored" "" "the figures are what Prometheus takes"
is "$(metric 'nsemig_snapshots_total{result="failed"}' nsemig_snapshot_run_failed)" "2 1" \
	"failures are counted"
like "$(metric 'nsemig_snapshot_bytes{domain="a b/c"}')" '^[1-9]' "each domain has its own"
is "$(stat -c %a "$prom")" 644 "the exporter may read them"
: >"$work/gone"
for i in 1 2 3 4; do
	unshare --net "$NSEMIG" snapshot --all-domains -q "$work/many.$i" &
	many[i]=$!
done
wait "${many[@]}"
is "$(metric 'nsemig_snapshots_total{result="stored"}')" "$((stored + 4))" \
	"commands that end together are all counted"
is "$(metric 'nsemig_snapshot_bytes{domain="a b/c"}')" none "a domain that is gone is not missed"
rm "$work/gone"
if command -v promtool >/dev/null; then
	promtool check metrics <"$prom" >"$out" 2>&1
	ok $? "promtool takes the figures"
	promtool check rules "$top/contrib/prometheus/nsemig.rules.yml" >"$out" 2>&1
	ok $? "promtool takes the rules"
else
	skip "promtool takes the figures and the rules" "no promtool"
fi
# The rules speak of figures that exist.
unknown=
for name in $(grep -o 'nsemig_[a-z_]*' "$top/contrib/prometheus/nsemig.rules.yml"); do
	grep -q "\"$name\"" "$top/cmd/metrics.c" || unknown+="$name "
done
is "$unknown" "" "the rules name figures that there are"
undocumented=
for name in $(grep -o '"nsemig_[a-z_]*"' "$top/cmd/metrics.c" | tr -d '"'); do
	grep -q "$name" "$top/man/nsemig.conf.5" || undocumented+="$name "
done
is "$undocumented" "" "the manual has every figure"
cp "$prom" "$work/good"
printf 'nonsense\nnsemig_snapshots_total{result="stored"} 1e999\n{\n' >"$prom"
run snapshot --all-domains -q "$snaps"
is "$rc $(metric 'nsemig_snapshots_total{result="stored"}')" "0 3" "a damaged file is made anew"
printf '[metrics]\ntextfile = /nonexistent/x.prom\n' | conf conf.d/zz.conf
run snapshot --all-domains "$snaps"
like "$rc $(cat "$err")" "0 .*the metrics are not written: .*/nonexistent" \
	"figures that cannot be written are told, and fail nothing"
rm /etc/nsemig/conf.d/zz.conf
exec 9>"$prom.lock"
flock 9
run snapshot --all-domains "$snaps"
exec 9>&-
like "$rc $(cat "$err")" "0 .*the metrics are not written: another process has had $prom.lock" \
	"nor do they wait for ever for who has their lock"

# --- messages, to a real journal
started() { [ -S /run/systemd/journal/socket ]; }
logged() { journalctl -q --sync 2>/dev/null; journalctl -q -o json SYSLOG_IDENTIFIER=nsemig 2>/dev/null; }
if [ -x /lib/systemd/systemd-journald ]; then
	printf '[Journal]\nStorage=volatile\n' >/etc/systemd/journald.conf
	/lib/systemd/systemd-journald >/dev/null 2>&1 &
	journald=$!
	eventually started || bail_out "systemd-journald does not start"
	: >"$work/broken"
	run snapshot --all-domains "$snaps"
	rm "$work/broken"
	is "$(logged | jq -c '[.MESSAGE_ID, .PRIORITY, .NSEMIG_RESULT, .NSEMIG_STORED,
		.NSEMIG_FAILED, .NSEMIG_DIRECTORY, ._TRANSPORT]')" \
		"[\"20da227300414c3c874366f133449131\",\"3\",\"failed\",\"2\",\"1\",\"$snaps\",\"journal\"]" \
		"the journal has one message, with fields"
	printf '[log]\nto = none\n' | conf conf.d/log.conf
	run snapshot --all-domains "$snaps"
	is "$(logged | wc -l)" 1 "[log] to = none"
	printf '[log]\nto = syslog\n' | conf conf.d/log.conf
	run snapshot --all-domains "$snaps"
	is "$(logged | jq -r 'select(._TRANSPORT == "syslog") | .MESSAGE')" \
		"3 domains stored in $snaps, 0 failed [result=stored directory=$snaps stored=3 failed=0 removed=3]" \
		"[log] to = syslog, with the facts behind the text"
	rm /etc/nsemig/conf.d/log.conf
	kill "$journald"
	wait "$journald"
	journald=
else
	skip "messages in the journal" "no systemd-journald"
fi
rm -rf /run/systemd/journal
mkdir /run/systemd/journal
# Without a journal, whoever listens to /dev/log has it.
rm /dev/log
perl -MIO::Socket::UNIX -e '
	my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "/dev/log") or die;
	$s->recv(my $text, 65536); print $text;' >"$work/syslog" &
listener=$!
there() { [ -S /dev/log ]; }
eventually there
run snapshot --all-domains "$snaps"
wait $listener
like "$(cat "$work/syslog")" \
	"^<30>.* nsemig\[[0-9]+\]: 3 domains stored in $snaps, 0 failed \[result=stored " \
	"without a journal the message goes to syslog"

# --- the examples
if command -v systemd-analyze >/dev/null; then
	# It looks for the program where it will be, and for the manual with man(1).
	mkdir "$work/units"
	for f in "$top"/contrib/systemd/*; do
		sed "s,=nsemig ,=$work/bin/nsemig ," "$f" >"$work/units/${f##*/}"
	done
	systemd-analyze verify --man=no "$work"/units/* >"$out" 2>&1
	is "$? $(cat "$out")" "0 " "systemd takes the units"
	exposure=$(systemd-analyze security --offline=true "$work/units/nsemig-snapshot.service" |
		sed -n 's/.*exposure level .*: \([0-9]*\)\..*/\1/p')
	[ "${exposure:-10}" -lt 3 ]
	ok $? "and finds the service well shut in"
else
	skip "systemd takes the units" "no systemd-analyze"
fi
rm -f /etc/nsemig/conf.d/*
line=$(sed -n 's/^17 \* \* \* \* root //p' "$top/contrib/cron/nsemig")
isnt "$line" "" "cron's example has its line"
# /run/systemd/system is not there: this host is one without systemd.
unshare --net env -i "PATH=$work/bin:/usr/sbin:/usr/bin:/sbin:/bin" sh -c "$line" >"$out" 2>&1
is "$? $(cat "$out")" "0 " "cron's line works as it stands, and says nothing"
is "$(find /var/lib/nsemig/snapshots -name '*-latest.nsc' | wc -l)" 3 "it has stored all domains"
like "$(cat /var/log/nsemig/snapshot.log)" "web1: 0 records" "and written its log"
: >"$work/broken"
unshare --net env -i "PATH=$work/bin:/usr/sbin:/usr/bin:/sbin:/bin" sh -c "$line" >"$out" 2>&1
like "$(cat "$out")" "domain a b/c: " "what fails is mailed"
rm "$work/broken"
if command -v logrotate >/dev/null; then
	cp "$top/contrib/logrotate/nsemig" "$work/rotate"
	chmod 644 "$work/rotate"
	logrotate -d -s "$work/rotate.state" "$work/rotate" >"$out" 2>&1
	is "$? $(grep -ci error "$out")" "0 0" "logrotate takes its example"
	logrotate -f -s "$work/rotate.state" "$work/rotate" >"$out" 2>&1
	is "$? $(find /var/log/nsemig -name 'snapshot.log.1' | wc -l)" "0 1" "and rotates the log"
else
	skip "logrotate takes its example" "no logrotate"
fi
make -s -o all -C "$top" install DESTDIR="$work/dest" PREFIX=/usr "BIN=$NSEMIG" >/dev/null 2>"$err"
missing=
for f in lib/systemd/system/nsemig-snapshot.{service,timer} sbin/nsemig \
	share/doc/nsemig/examples/{nsemig.conf,cron/nsemig,logrotate/nsemig} \
	share/doc/nsemig/examples/prometheus/nsemig.rules.yml; do
	[ -s "$work/dest/usr/$f" ] || missing+="$f "
done
is "$missing" "" "make install puts all of it under DESTDIR" || diag "$(cat "$err")"

done_testing
