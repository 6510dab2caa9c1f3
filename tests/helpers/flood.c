/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Conntrack entries in great number, for the faults that they bring about.
 *
 *	flood fill ROOM		fills the table of this namespace until ROOM
 *				entries go in, and prints how many it has made
 *	flood drain N		removes the N that it has made
 *	flood burst FROM TO N KEEP [PID]
 *				makes N UDP flows from an address to another and
 *				removes them but for KEEP; meanwhile the buffers in
 *				which process PID hears of events are as small as can
 *				be. Prints how many of these there are, and how many
 *				of them have lost something
 *
 * All entries are assured: the kernel does not drop them for others.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#define BATCH	  128
#define ROOM	  256 /* for one message */
#define FIRST	  1024
#define PORTS	  50000
#define TIMEOUT_S 86400
#define EARS_MAX  16

struct flow {
	uint32_t src, dst; /* host byte order */
	uint16_t port;
};

/* A socket on which a process hears of events. */
struct ear {
	int fd; /* ours, of the same socket */
	unsigned long inode;
	int size;
	unsigned long drops;
};

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(3);
}

static uint32_t address(const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1) {
		fprintf(stderr, "flood: '%s' is not an address\n", text);
		exit(2);
	}
	return ntohl(in.s_addr);
}

static struct mnl_socket *netlink(void)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);
	int size = 4 << 20;

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink");
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return s;
}

static size_t message(void *buf, int type, bool ack, const struct flow *f)
{
	struct nf_conntrack *ct = nfct_new();
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	if (!ct)
		die("memory");
	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (ack ? NLM_F_ACK : 0));
	if (type == IPCTNL_MSG_CT_NEW)
		nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	nfg->nfgen_family = AF_INET;
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_UDP);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(f->src));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(f->dst));
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(f->port));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(9));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, TIMEOUT_S);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	if (nfct_nlmsg_build(nlh, ct) < 0)
		die("message");
	nfct_destroy(ct);
	return nlh->nlmsg_len;
}

/* The answers of a batch: those that failed, and the one at its end. */
static unsigned int failures(struct mnl_socket *s)
{
	static char buf[1 << 16] __attribute__((aligned(4)));
	unsigned int failed = 0;
	bool end = false;

	while (!end) {
		ssize_t got = mnl_socket_recvfrom(s, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)got;

		if (got < 0)
			die("answers");
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			failed += nlh->nlmsg_type == NLMSG_ERROR && e->error;
			end |= e->msg.nlmsg_flags & NLM_F_ACK;
		}
	}
	return failed;
}

/* The i-th flow between two addresses; beyond the ports the first one counts on. */
static struct flow flow_at(uint32_t src, uint32_t dst, uint32_t i)
{
	return (struct flow){ src + i / PORTS, dst, (uint16_t)(FIRST + i % PORTS) };
}

/* Makes or removes flows; returns how many of the messages did not fail. */
static uint32_t run(int type, uint32_t src, uint32_t dst, uint32_t from, uint32_t to)
{
	static char buf[BATCH * ROOM] __attribute__((aligned(4)));
	struct mnl_socket *s = netlink();
	uint32_t done = 0;

	while (from < to) {
		uint32_t n = to - from < BATCH ? to - from : BATCH, failed;
		size_t len = 0;

		for (uint32_t i = 0; i < n; i++) {
			struct flow f = flow_at(src, dst, from + i);

			len += message(buf + len, type, i == n - 1, &f);
		}
		if (mnl_socket_sendto(s, buf, len) < 0)
			die("send");
		failed = failures(s);
		done += n - failed;
		from += n;
	}
	mnl_socket_close(s);
	return done;
}

static long sysctl_of(const char *name)
{
	char path[128];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/netfilter/%s", name);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%ld", &n) != 1)
		die(path);
	fclose(f);
	return n;
}

static void fill(long room)
{
	long left = sysctl_of("nf_conntrack_max") - sysctl_of("nf_conntrack_count");
	uint32_t want = left > room ? (uint32_t)(left - room) : 0;

	printf("%u\n", want);
	fflush(stdout);
	if (run(IPCTNL_MSG_CT_NEW, address("198.18.0.1"), address("198.18.255.9"), 0,
		want) < want)
		die("the kernel does not take all of them");
}

/* What the kernel says of the netfilter socket: false, it hears no events. */
static bool look_up(unsigned long inode, unsigned long *drops)
{
	FILE *f = fopen("/proc/net/netlink", "re");
	unsigned long ino, lost;
	unsigned int proto, groups;
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %u %*u %x %*u %*u %*u %*u %lu %lu", &proto, &groups,
			   &lost, &ino) == 4 &&
		    proto == NETLINK_NETFILTER && groups && ino == inode) {
			*drops = lost;
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

static int find_ears(int pid, struct ear ears[EARS_MAX])
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), n = 0;
	char path[64];
	struct dirent *e;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (pidfd < 0 || !d)
		die(path);
	while (n < EARS_MAX && (e = readdir(d))) {
		struct ear *ear = &ears[n];
		socklen_t len = sizeof(ear->size);

		if (fstatat(dirfd(d), e->d_name, &st, 0) < 0 || !S_ISSOCK(st.st_mode))
			continue;
		ear->inode = st.st_ino;
		if (!look_up(ear->inode, &ear->drops))
			continue;
		ear->fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(e->d_name), 0);
		if (ear->fd < 0 ||
		    getsockopt(ear->fd, SOL_SOCKET, SO_RCVBUF, &ear->size, &len) < 0)
			die("the socket of another process");
		n++;
	}
	closedir(d);
	close(pidfd);
	return n;
}

static void set_size(const struct ear *ear, int size)
{
	if (setsockopt(ear->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		die("the buffer of another process");
}

static void burst(char **argv)
{
	uint32_t src = address(argv[0]), dst = address(argv[1]);
	uint32_t n = (uint32_t)atol(argv[2]), keep = (uint32_t)atol(argv[3]);
	struct ear ears[EARS_MAX];
	int n_ears = argv[4] ? find_ears(atoi(argv[4]), ears) : 0, lost = 0;
	unsigned long drops = 0;

	for (int i = 0; i < n_ears; i++)
		set_size(&ears[i], 1);
	if (run(IPCTNL_MSG_CT_NEW, src, dst, 0, n) < n ||
	    run(IPCTNL_MSG_CT_DELETE, src, dst, keep, n) < n - keep)
		die("the kernel does not take all of them");
	for (int i = 0; i < n_ears; i++) {
		/* The kernel doubles what it is told. */
		set_size(&ears[i], ears[i].size / 2);
		lost += look_up(ears[i].inode, &drops) && drops > ears[i].drops;
	}
	printf("%d %d\n", n_ears, lost);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "fill") == 0) {
		fill(atol(argv[2]));
	} else if (argc == 3 && strcmp(argv[1], "drain") == 0) {
		run(IPCTNL_MSG_CT_DELETE, address("198.18.0.1"), address("198.18.255.9"),
		    0, (uint32_t)atol(argv[2]));
	} else if ((argc == 6 || argc == 7) && strcmp(argv[1], "burst") == 0) {
		burst(argv + 2);
	} else {
		fprintf(stderr, "usage: flood fill ROOM | drain N | burst FROM TO N KEEP "
				"[PID]\n");
		return 2;
	}
	return 0;
}
