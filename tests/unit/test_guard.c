/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guard in the way of real traffic: a host with a bridge in a namespace of
 * its own, and behind the bridge a client and a guest that answers UDP on
 * several addresses. br_netfilter and connection tracking are on, as on a
 * host that filters for its guests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "lib/engine/nft/guard.h"
#include "lib/util/cleanup.h"
#include "tests/unit/shell.h"

#define PORT	7000
#define WAIT_MS 400 /* for an answer that does not come */
#define TRIES	10  /* for one that must come: duplicate address detection … */

struct net {
	pid_t guest, client;
};

/* Answers each datagram; for as long as the test lives. */
static void serve(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
	/* The answer has to leave from the address that was asked. */
	char control[256], data[16];
	struct sockaddr_storage from;
	struct iovec iov = { data, sizeof(data) };

	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		_exit(1);
	for (;;) {
		struct msghdr m = { &from,   sizeof(from),    &iov, 1,
				    control, sizeof(control), 0 };
		ssize_t n;

		iov.iov_len = sizeof(data);
		n = recvmsg(fd, &m, 0);
		if (n < 0)
			continue;
		iov.iov_len = (size_t)n;
		sendmsg(fd, &m, 0);
	}
}

/* A child in a network namespace of its own; it dies with us. */
static pid_t namespace(bool server)
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		if (server)
			serve();
		for (;;)
			pause();
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &c, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(ready[0]);
	return pid;
}

static int plug(pid_t pid, const char *name)
{
	return shell("ip link add %s type veth peer name eth0 netns %d && "
		     "ip link set %s master br0 up && "
		     "nsenter -t %d -n ip link set eth0 up",
		     name, pid, name, pid);
}

static int address(pid_t pid, const char *addr)
{
	return shell("nsenter -t %d -n ip addr add %s dev eth0 %s", pid, addr,
		     strchr(addr, ':') ? "nodad" : "");
}

static int build(struct net *n)
{
	static const char *const guest[] = { "10.9.0.2/24", "10.9.0.3/24", "10.9.0.4/24",
					     "2001:db8::2/64", "2001:db8::3/64" };

	n->guest = namespace(true);
	n->client = namespace(false);
	if (n->guest < 0 || n->client < 0)
		return -ECHILD;
	if (shell("ip link set lo up && ip link add br0 type bridge && "
		  "ip addr add 10.9.0.1/24 dev br0 && ip link set br0 up") ||
	    plug(n->guest, "guest") || plug(n->client, "client"))
		return -EIO;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(guest); i++)
		if (address(n->guest, guest[i]))
			return -EIO;
	if (address(n->client, "10.9.0.9/24") || address(n->client, "2001:db8::9/64"))
		return -EIO;
	return shell("sysctl -q -w net.bridge.bridge-nf-call-iptables=1 "
		     "net.bridge.bridge-nf-call-ip6tables=1 net.ipv4.ip_forward=1 && "
		     "nft 'table inet t { chain f { type filter hook forward priority 0; "
		     "ct state invalid drop; }; }'")
		       ? -EIO
		       : 0;
}

static int setup(void **state)
{
	static struct net n;

	*state = &n;
	return build(&n);
}

static int teardown(void **state)
{
	struct net *n = *state;
	pid_t pids[] = { n->guest, n->client };

	for (size_t i = 0; i < 2; i++) {
		if (pids[i] <= 0)
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return 0;
}

static int ask(const char *text, int port, int ms)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	bool v6 = inet_pton(AF_INET6, text, &to6.sin6_addr) == 1;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char data[16];

	inet_pton(AF_INET, text, &to4.sin_addr);
	if (connect(fd, v6 ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
		    v6 ? sizeof(to6) : sizeof(to4)) < 0 ||
	    send(fd, "hello", 5, 0) != 5)
		return 2;
	if (poll(&p, 1, ms) != 1)
		return 1;
	return recv(fd, data, sizeof(data), 0) == 5 ? 0 : 1;
}

/* Does the guest answer the client at that address and port? */
static bool answers(const struct net *n, const char *text, int port, int tries)
{
	for (int i = 0; i < tries; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			char path[64];
			int fd;

			snprintf(path, sizeof(path), "/proc/%d/ns/net", n->client);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			_exit(setns(fd, CLONE_NEWNET) < 0 ? 3 : ask(text, port, WAIT_MS));
		}
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return true;
	}
	return false;
}

#define passes(n, text)	 assert_true(answers(n, text, PORT, TRIES))
#define dropped(n, text) assert_false(answers(n, text, PORT, 1))

static int count_entry(enum nf_conntrack_msg_type type, struct nf_conntrack *ct,
		       void *data)
{
	struct in_addr a;
	void **arg = data;

	(void)type;
	a.s_addr = nfct_get_attr_u32(ct, ATTR_ORIG_IPV4_DST);
	if (strcmp(inet_ntoa(a), arg[0]) == 0)
		++*(int *)arg[1];
	return NFCT_CB_CONTINUE;
}

static int entries_to(const char *text)
{
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	uint32_t family = AF_INET;
	int n = 0;
	void *arg[] = { (void *)text, &n };

	assert_non_null(h);
	nfct_callback_register(h, NFCT_T_ALL, count_entry, arg);
	assert_int_equal(nfct_query(h, NFCT_Q_DUMP, &family), 0);
	nfct_close(h);
	return n;
}

static struct nse_guard *up(const char *label, const char *const *texts)
{
	struct nse_error err = { 0 };
	struct nse_addr addrs[8];
	struct nse_guard *g = NULL;
	size_t n = 0;

	for (; texts[n]; n++)
		assert_int_equal(nse_addr_parse(texts[n], &addrs[n], &err), 0);
	if (nse_guard_up(&g, label, addrs, n, &err) < 0)
		fail_msg("%s", err.text);
	return g;
}

static void down(struct nse_guard *g)
{
	struct nse_error err = { 0 };

	if (nse_guard_down(g, &err) < 0)
		fail_msg("%s", err.text);
}

static int tables(void)
{
	return shell("nft list tables | grep -q nsemig-guard-") == 0;
}

static void test_drops(void **state)
{
	const char *const addrs[] = { "10.9.0.2", "2001:db8::2", NULL };
	struct net *n = *state;
	struct nse_error err = { 0 };
	struct nse_guard *g;
	uint64_t packets;

	passes(n, "10.9.0.2");
	passes(n, "2001:db8::2");
	assert_true(entries_to("10.9.0.2") > 0);
	shell("conntrack -D -d 10.9.0.2 >/dev/null 2>&1");
	assert_int_equal(entries_to("10.9.0.2"), 0);

	g = up("web1", addrs);
	assert_int_equal(nse_guard_dropped(g, &packets, &err), 0);
	dropped(n, "10.9.0.2");
	dropped(n, "2001:db8::2");
	passes(n, "10.9.0.3");
	passes(n, "2001:db8::3");
	assert_int_equal(entries_to("10.9.0.2"), 0);
	assert_true(entries_to("10.9.0.3") > 0);
	assert_int_equal(nse_guard_dropped(g, &packets, &err), 0);
	assert_true(packets >= 2);

	assert_true(tables());
	down(g);
	assert_false(tables());
	passes(n, "10.9.0.2");
	passes(n, "2001:db8::2");
}

/* What the guest itself sends, and what the host sends to it. */
static void test_both_ways(void **state)
{
	const char *const addrs[] = { "10.9.0.9", NULL };
	struct net *n = *state;
	struct nse_guard *g = up("client", addrs);
	uint64_t packets;

	dropped(n, "10.9.0.3");
	assert_int_equal(nse_guard_dropped(g, &packets, NULL), 0);
	assert_true(packets >= 1);
	down(g);
	passes(n, "10.9.0.3");
	/* From the host itself. */
	assert_int_equal(ask("10.9.0.3", PORT, 5000), 0);
	g = up("guest", (const char *const[]){ "10.9.0.3", NULL });
	assert_int_not_equal(ask("10.9.0.3", PORT, WAIT_MS), 0);
	down(g);
	assert_int_equal(ask("10.9.0.3", PORT, 5000), 0);
}

static void test_prefixes(void **state)
{
	/* They overlap and repeat: the kernel would refuse that as it is. */
	const char *const addrs[] = { "10.9.0.2/31",   "10.9.0.3",	   "10.9.0.2/31",
				      "2001:db8::/65", "255.255.255.0/24", NULL };
	struct net *n = *state;
	struct nse_guard *g = up("prefix", addrs);

	dropped(n, "10.9.0.2");
	dropped(n, "10.9.0.3");
	passes(n, "10.9.0.4");
	dropped(n, "2001:db8::3");
	down(g);
	passes(n, "10.9.0.2");
	passes(n, "2001:db8::3");
}

static void call_iptables(int on)
{
	assert_int_equal(shell("sysctl -q -w net.bridge.bridge-nf-call-iptables=%d "
			       "net.bridge.bridge-nf-call-ip6tables=%d",
			       on, on),
			 0);
}

/* Frames that only family bridge sees. */
static void test_plain_bridge(void **state)
{
	const char *const addrs[] = { "10.9.0.2", "2001:db8::2", NULL };
	struct net *n = *state;
	struct nse_guard *g;

	call_iptables(0);
	passes(n, "10.9.0.2");
	g = up("bridge", addrs);
	dropped(n, "10.9.0.2");
	dropped(n, "2001:db8::2");
	passes(n, "10.9.0.3");
	passes(n, "2001:db8::3");
	down(g);
	passes(n, "10.9.0.2");
	call_iptables(1);
}

/* Through DNAT the packet has the guest's address only behind prerouting. */
static void test_translated(void **state)
{
	const char *const addrs[] = { "10.9.0.2", NULL };
	struct net *n = *state;
	struct nse_guard *g;

	assert_int_equal(shell("nft 'table ip n { chain p { type nat hook prerouting "
			       "priority -100; udp dport 7001 dnat to 10.9.0.2:%d; }; "
			       "chain q { type nat hook postrouting priority 100; ip "
			       "daddr 10.9.0.2 masquerade; }; }'",
			       PORT),
			 0);
	assert_true(answers(n, "10.9.0.1", 7001, TRIES));
	g = up("nat", addrs);
	assert_false(answers(n, "10.9.0.1", 7001, 1));
	down(g);
	assert_true(answers(n, "10.9.0.1", 7001, TRIES));
	assert_int_equal(shell("nft delete table ip n"), 0);
}

static void test_killed(void **state)
{
	const char *const addrs[] = { "10.9.0.2", NULL };
	struct net *n = *state;
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct nse_addr a;
		struct nse_guard *g;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		nse_addr_parse(addrs[0], &a, NULL);
		if (nse_guard_up(&g, "killed", &a, 1, NULL) < 0)
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	assert_true(tables());
	dropped(n, "10.9.0.2");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(tables());
	passes(n, "10.9.0.2");
}

static void test_second_of_a_name(void **state)
{
	const char *const addrs[] = { "10.9.0.4", NULL };
	struct nse_error err = { 0 };
	struct nse_guard *g, *second = NULL;
	struct nse_addr a;

	g = up("twice", addrs);
	nse_addr_parse("10.9.0.3", &a, &err);
	assert_int_equal(nse_guard_up(&second, "twice", &a, 1, &err), -EEXIST);
	assert_null(second);
	assert_non_null(strstr(err.text, "nsemig-guard-twice"));
	/* The first still stands, and another name is no trouble. */
	dropped(*state, "10.9.0.4");
	assert_int_equal(nse_guard_up(&second, "other", &a, 1, &err), 0);
	down(second);
	dropped(*state, "10.9.0.4");
	down(g);
}

/* More addresses than one message holds. */
static void test_many(void **state)
{
	struct net *n = *state;
	struct nse_addr *addrs = calloc(3000, sizeof(*addrs));
	struct nse_error err = { 0 };
	struct nse_guard *g = NULL;
	char text[64];

	for (int i = 0; i < 3000; i++) {
		if (i % 2)
			snprintf(text, sizeof(text), "2001:db8:1::%x", i);
		else
			snprintf(text, sizeof(text), "10.%d.%d.%d", i & 2 ? 9 : 7,
				 i / 256, i % 256);
		assert_int_equal(nse_addr_parse(text, &addrs[i], &err), 0);
	}
	if (nse_guard_up(&g, "many", addrs, 3000, &err) < 0)
		fail_msg("%s", err.text);
	dropped(n, "10.9.0.2");
	passes(n, "10.9.0.3");
	assert_int_equal(shell("nft list set inet nsemig-guard-many v6 | "
			       "grep -q '2001:db8:1::bb7'"),
			 0);
	down(g);
	free(addrs);
}

static void test_arguments(void **state)
{
	struct nse_error err = { 0 };
	struct nse_guard *g = NULL;
	struct nse_addr a;
	char label[66];

	(void)state;
	memset(label, 'a', sizeof(label));
	label[65] = '\0';
	nse_addr_parse("10.9.0.2", &a, &err);
	assert_int_equal(nse_guard_up(&g, "", &a, 1, &err), -EINVAL);
	assert_int_equal(nse_guard_up(&g, "a b", &a, 1, &err), -EINVAL);
	assert_int_equal(nse_guard_up(&g, label, &a, 1, &err), -EINVAL);
	assert_int_equal(nse_guard_up(&g, "a", &a, 0, &err), -EINVAL);
	assert_int_equal(nse_guard_down(NULL, &err), 0);
	assert_null(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_plain_bridge),
		cmocka_unit_test(test_translated),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_second_of_a_name),
		cmocka_unit_test(test_many),
	};

	if (!may_unshare())
		return 0;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
