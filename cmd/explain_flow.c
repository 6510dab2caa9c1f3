/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections and expectations in plain words: who talks to whom, what NAT makes
 * of it, and what the kernel's words for it mean.
 */
#include "cmd/explain.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "cmd/record.h"
#include "lib/util/addr.h"
#include "lib/util/cleanup.h"

struct meaning {
	const char *word, *text;
};

static const struct meaning tcp_states[] = {
	{ "NONE", "nothing has been seen yet" },
	{ "SYN_SENT", "the opener has asked; no answer yet" },
	{ "SYN_RECV",
	  "the other end has answered; the opener's acknowledgment is missing" },
	{ "ESTABLISHED", "the connection is open, data may flow both ways" },
	{ "FIN_WAIT", "one end has said that it sends nothing more" },
	{ "CLOSE_WAIT", "that has been acknowledged; the other end may still send" },
	{ "LAST_ACK", "both ends have finished; the last acknowledgment is missing" },
	{ "TIME_WAIT", "the connection has ended; the entry waits for stray segments" },
	{ "CLOSE", "the connection was reset" },
	{ "SYN_SENT2", "both ends have opened it at once" },
};
static const struct meaning sctp_states[] = {
	{ "CLOSED", "not open" },
	{ "COOKIE_WAIT", "the opener has asked; no answer yet" },
	{ "COOKIE_ECHOED", "the opener has returned the cookie" },
	{ "ESTABLISHED", "the association is open" },
	{ "SHUTDOWN_SENT", "the opener ends it" },
	{ "SHUTDOWN_RECD", "the other end ends it" },
	{ "SHUTDOWN_ACK_SENT", "the end has been acknowledged" },
	{ "HEARTBEAT_SENT", "known by a heartbeat alone, not answered" },
	{ "HEARTBEAT_ACKED", "known by heartbeats alone" },
};
static const struct meaning statuses[] = {
	{ "seen-reply", "packets have passed in both directions" },
	{ "assured", "it is not given up for new ones when the table is full" },
	{ "src-nat", "the source is translated" },
	{ "dst-nat", "the destination is translated" },
	{ "fixed-timeout", "its time runs out whatever passes" },
	{ "helper", "a helper was chosen for it by a rule" },
	{ "expected", "a helper had expected it: it belongs to its master" },
};
static const struct meaning tcp_flags[] = {
	{ "window-scale", "offers window scaling" },
	{ "sack-perm", "takes selective acknowledgments" },
	{ "close-init", "was the first to close" },
	{ "be-liberal", "segments outside of the window are let through" },
};
static const struct meaning expect_flags[] = {
	{ "permanent", "it stays when a connection has come" },
	{ "inactive", "it waits for nothing as long as it is switched off" },
	{ "userspace", "a helper's daemon has made it" },
};

#define MEANING(table, word) meaning(table, NSE_ARRAY_SIZE(table), word)

static const char *meaning(const struct meaning *m, size_t n, const char *word)
{
	for (size_t i = 0; word && i < n; i++)
		if (strcmp(m[i].word, word) == 0)
			return m[i].text;
	return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static bool is_domains(const struct explain *x, const char *addr)
{
	const struct nse_domain *d = &x->scope->domain;
	struct nse_error unused;
	struct nse_addr a;

	if (nse_addr_parse(addr, &a, &unused) < 0)
		return false;
	for (size_t i = 0; i < d->naddrs; i++)
		if (nse_addr_covers(&d->addrs[i], a.family, a.bytes))
			return true;
	return false;
}

/* "192.0.2.1 (web1)" */
static const char *who(const struct explain *x, const char *addr, char out[CMD_TEXT])
{
	const char *name = x->scope->domain.name;

	if (!is_domains(x, addr))
		snprintf(out, CMD_TEXT, "%.200s", addr);
	else
		snprintf(out, CMD_TEXT, "%.200s (%s%.300s)", addr,
			 *name ? "" : "the domain", name);
	return out;
}

/* "port 443 (https)", or "" where there are no ports. */
static const char *port(const json_t *tuple, const char *name, const char *proto,
			char out[128])
{
	const json_t *p = json_object_get(tuple, name);
	struct servent entry, *found = NULL;
	char names[1024];

	out[0] = '\0';
	if (!json_is_integer(p))
		return out;
	getservbyport_r(htons((uint16_t)json_integer_value(p)), proto, &entry, names,
			sizeof(names), &found);
	snprintf(out, 128, "port %d%s%.80s%s", (int)json_integer_value(p),
		 found ? " (" : "", found ? found->s_name : "", found ? ")" : "");
	return out;
}

static const char *kind_of_flow(const char *proto)
{
	static const struct meaning kinds[] = {
		{ "tcp", "A TCP connection" },	    { "sctp", "An SCTP association" },
		{ "dccp", "A DCCP connection" },    { "udp", "A UDP flow" },
		{ "udplite", "A UDP-Lite flow" },   { "icmp", "An ICMP exchange" },
		{ "icmpv6", "An ICMPv6 exchange" }, { "gre", "A GRE tunnel" },
	};

	return MEANING(kinds, proto);
}

static void say_what(struct explain *x, const json_t *key)
{
	const char *proto = text_of(key, "proto"), *kind = kind_of_flow(proto);
	const char *over = strcmp(text_of(key, "family"), "ipv6") ? "IPv4" : "IPv6";
	char a[CMD_TEXT], b[CMD_TEXT], to[128], other[96];

	snprintf(other, sizeof(other), "A flow of IP protocol %.60s", proto);
	who(x, text_of(key, "src"), a);
	who(x, text_of(key, "dst"), b);
	if (json_object_get(key, "icmp_type"))
		explain_say(
			x, "what",
			"%s over %s, begun by %s towards %s (type %lld, code %lld, "
			"id %lld).",
			kind, over, a, b,
			(long long)json_integer_value(json_object_get(key, "icmp_type")),
			(long long)json_integer_value(json_object_get(key, "icmp_code")),
			(long long)json_integer_value(json_object_get(key, "icmp_id")));
	else if (*port(key, "dport", proto, to))
		explain_say(x, "what", "%s over %s, opened by %s to %s of %s.",
			    kind ? kind : other, over, a, to, b);
	else
		explain_say(x, "what", "%s over %s, begun by %s towards %s.",
			    kind ? kind : other, over, a, b);
}

/* Both ends of a tuple as "A -> B" */
static const char *ends(const json_t *tuple, char out[CMD_TEXT])
{
	char a[CMD_TEXT], b[CMD_TEXT];

	snprintf(out, CMD_TEXT, "%.480s -> %.480s",
		 cmd_endpoint(tuple, "src", "sport", a),
		 cmd_endpoint(tuple, "dst", "dport", b));
	return out;
}

static void say_directions(struct explain *x, const json_t *key)
{
	const json_t *reply = cmd_field(x->rec, "reply"), *nat = cmd_field(x->rec, "nat");
	char text[CMD_TEXT], end[CMD_TEXT];

	explain_say(x, "original", "%s", ends(key, text));
	if (json_is_object(reply))
		explain_say(x, "reply", "%s", ends(reply, text));
	if (!json_is_object(nat)) {
		explain_say(x, "nat", "none: the reply is the original turned round");
		return;
	}
	if (json_object_get(nat, "src"))
		explain_say(x, "nat",
			    "the source %s becomes %s: that is whom the other end sees, "
			    "and where it answers",
			    cmd_endpoint(key, "src", "sport", end), text_of(nat, "src"));
	if (json_object_get(nat, "dst"))
		explain_say(x, "nat",
			    "the destination %s becomes %s: that is who gets the packets",
			    cmd_endpoint(key, "dst", "dport", end), text_of(nat, "dst"));
}

static void say_state(struct explain *x, const char *proto)
{
	const json_t *state = json_object_get(json_object_get(x->rec, "body"), "state");
	const char *word = json_string_value(state), *means;

	if (!word)
		return;
	means = strcmp(proto, "sctp") == 0  ? MEANING(sctp_states, word)
		: strcmp(proto, "tcp") == 0 ? MEANING(tcp_states, word)
					    : NULL;
	explain_say(x, "state", "%s%s%s", word, means ? ": " : "", means ? means : "");
}

static void say_words(struct explain *x, const char *topic, const json_t *list,
		      const struct meaning *m, size_t n, const char *ahead)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *word = json_string_value(v), *means = meaning(m, n, word);

		if (word)
			explain_say(x, topic, "%s%s: %s", ahead, word,
				    means ? means : "a bit that has no name here");
	}
}

static void say_status(struct explain *x)
{
	const json_t *list = cmd_field(x->rec, "status");
	bool answered = false;
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		answered |= strcmp(json_string_value(v), "seen-reply") == 0;
	}
	if (!answered)
		explain_say(x, "status", "not seen-reply: no answer has been seen");
	say_words(x, "status", list, statuses, NSE_ARRAY_SIZE(statuses), "");
}

static void say_tcp(struct explain *x)
{
	const json_t *tcp = cmd_field(x->rec, "tcp");
	const json_t *scale = json_object_get(tcp, "wscale");
	const json_t *flags = json_object_get(tcp, "flags");
	static const char *const ahead[] = { "original direction: ",
					     "reply direction: " };

	if (!tcp)
		return;
	explain_say(x, "tcp",
		    "window scale %lld in the original direction, %lld in the reply",
		    (long long)json_integer_value(json_array_get(scale, 0)),
		    (long long)json_integer_value(json_array_get(scale, 1)));
	for (size_t d = 0; d < 2; d++)
		say_words(x, "tcp", json_array_get(flags, d), tcp_flags,
			  NSE_ARRAY_SIZE(tcp_flags), ahead[d]);
}

static void say_number(struct explain *x, const char *name, const char *text)
{
	const json_t *v = cmd_field(x->rec, name);
	long long n = (long long)json_integer_value(v);

	if (json_is_integer(v) && n)
		explain_say(x, name, "%lld (0x%llx)%s", n, n, text);
}

static void say_zone(struct explain *x)
{
	const json_t *key = json_object_get(x->rec, "key");

	if (json_object_get(key, "zone"))
		explain_say(x, "zone", "%lld: the same ends may be in use in other zones",
			    (long long)json_integer_value(json_object_get(key, "zone")));
	if (json_object_get(key, "zone_orig"))
		explain_say(
			x, "zone", "%lld in the original direction, %lld in the reply",
			(long long)json_integer_value(json_object_get(key, "zone_orig")),
			(long long)json_integer_value(
				json_object_get(key, "zone_reply")));
}

static void say_timeout(struct explain *x)
{
	char time[EXPLAIN_TIME];
	const json_t *v = cmd_field(x->rec, "timeout");

	if (v)
		explain_say(
			x, "timeout",
			"goes in %s, counted from when the context was taken, unless a "
			"packet passes",
			explain_time(json_integer_value(v), time));
}

static void say_counters(struct explain *x)
{
	static const char *const names[] = { "packets", "bytes" };

	for (size_t i = 0; i < NSE_ARRAY_SIZE(names); i++) {
		const json_t *v = cmd_field(x->rec, names[i]);

		if (json_is_object(v))
			explain_say(
				x, names[i], "%lld out, %lld back",
				(long long)json_integer_value(json_object_get(v, "orig")),
				(long long)json_integer_value(
					json_object_get(v, "reply")));
	}
	if (json_is_string(cmd_field(x->rec, "start")))
		explain_say(x, "since", "%s",
			    json_string_value(cmd_field(x->rec, "start")));
}

static void say_helper(struct explain *x)
{
	const json_t *master = cmd_field(x->rec, "master");
	const char *helper = json_string_value(cmd_field(x->rec, "helper"));
	const char *labels = json_string_value(cmd_field(x->rec, "labels"));
	char text[CMD_TEXT];

	if (helper)
		explain_say(x, "helper",
			    "%s: it reads along, and expects connections that are "
			    "announced there",
			    helper);
	if (json_is_object(master))
		explain_say(x, "master", "%s %s", text_of(master, "proto"),
			    ends(master, text));
	if (cmd_field(x->rec, "seqadj"))
		explain_say(x, "seqadj",
			    "a helper has changed the length of what was sent: "
			    "sequence numbers are shifted");
	if (cmd_field(x->rec, "synproxy"))
		explain_say(x, "synproxy",
			    "the handshake was answered for the server: "
			    "sequence numbers are shifted");
	if (labels)
		explain_say(x, "labels", "%s", labels);
}

static void explain_entry(struct explain *x)
{
	const json_t *key = json_object_get(x->rec, "key");

	say_what(x, key);
	say_directions(x, key);
	say_state(x, text_of(key, "proto"));
	say_status(x);
	say_tcp(x);
	say_number(x, "mark", "");
	say_zone(x);
	say_helper(x);
	say_counters(x);
	say_timeout(x);
}

static void explain_expectation(struct explain *x)
{
	const json_t *key = json_object_get(x->rec, "key");
	const json_t *master = json_object_get(key, "master");
	const json_t *nat = cmd_field(x->rec, "nat");
	char a[CMD_TEXT], b[CMD_TEXT], text[CMD_TEXT], to[128];
	long long sport = json_integer_value(json_object_get(key, "sport"));

	explain_say(x, "what",
		    "The helper %s expects a connection from %s%s to %s of %s: its first "
		    "packet passes as RELATED.",
		    json_string_value(cmd_field(x->rec, "helper")),
		    who(x, text_of(key, "src"), a), sport ? "" : " (any port)",
		    port(key, "dport", text_of(key, "proto"), to),
		    who(x, text_of(key, "dst"), b));
	explain_say(x, "master", "%s %s: it was announced there",
		    text_of(master, "proto"), ends(master, text));
	if (json_is_object(nat))
		explain_say(x, "nat",
			    "the connection will be translated: %s %s port %lld",
			    text_of(nat, "dir"), text_of(nat, "src"),
			    (long long)json_integer_value(json_object_get(nat, "sport")));
	say_words(x, "flags", cmd_field(x->rec, "flags"), expect_flags,
		  NSE_ARRAY_SIZE(expect_flags), "");
	say_zone(x);
	say_timeout(x);
}

bool explain_flow(struct explain *x)
{
	const char *engine = text_of(x->rec, "engine"), *type = text_of(x->rec, "type");

	if (strcmp(engine, "conntrack") == 0 && strcmp(type, "entry") == 0)
		explain_entry(x);
	else if (strcmp(engine, "expect") == 0 && strcmp(type, "expectation") == 0)
		explain_expectation(x);
	else
		return false;
	return true;
}
