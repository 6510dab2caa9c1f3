/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rendering: a marked copy of the context goes into a namespace of its own,
 * without what the kernel does not take; nft(8) lists it there; the listing is
 * parted by record; comments, and times that have gone on meanwhile, are put
 * back; extensions of x_tables are named, since their options are not shown.
 */
#include "lib/engine/nft/render.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/expr_names.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/private.h"
#include "lib/engine/nft/render_private.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define DEADLINE_US (60 * 1000000LL)
#define LOADS_MAX   64 /* each leaves out what was refused in the last one */
#define NOTES_MAX   (64u << 10)
#define OTHER_NFT   "/usr/sbin/nft" /* PATH of a user may be without */

struct listing {
	struct nft_private what;
	struct nft_marked marked;
	unsigned int flags;
	int out, errors; /* files in memory */
	bool refused;
};

static void listing_release(struct listing *l)
{
	nft_private_release(&l->what);
	nft_marked_release(&l->marked);
	if (l->out >= 0)
		close(l->out);
	if (l->errors >= 0)
		close(l->errors);
}

/* Elements share a message, and the kernel does not say which of them it was. */
static void leave_set_out(struct listing *l, const struct nft_key *set)
{
	struct nse_record rec;
	struct nft_key key;

	for (uint32_t s = 0; s < nse_context_slots(l->what.ctx); s++)
		if (nse_context_at(l->what.ctx, s, &rec) &&
		    nft_key_decode(&rec, &key, NULL) == 0 && key.type == NFT_ELEMENT &&
		    key.family == set->family && nse_bytes_equal(key.table, set->table) &&
		    nse_bytes_equal(key.name, set->name))
			nft_private_leave_out(&l->what, s);
}

static void on_refused(void *arg, uint32_t slot, int code, const char *text)
{
	struct listing *l = arg;
	struct nse_record rec;
	struct nft_key key;

	(void)code;
	(void)text;
	if (!nse_context_at(l->what.ctx, slot, &rec) ||
	    nft_key_decode(&rec, &key, NULL) < 0)
		return;
	l->refused = true;
	if (key.type == NFT_ELEMENT)
		leave_set_out(l, &key);
	nft_private_leave_out(&l->what, slot);
}

/* In the child. Returns only when nft(8) cannot be run. */
static int list(void *arg, struct nse_error *err)
{
	struct listing *l = arg;
	char *argv[] = { "nft", "-s", "list ruleset; list meters", NULL };
	int rc = -ECANCELED, null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < LOADS_MAX && rc == -ECANCELED; i++) {
		l->refused = false;
		rc = nft_private_load(&l->what, on_refused, l, err);
		if (rc == -ECANCELED && !l->refused)
			break;
	}
	if (rc == -ECANCELED)
		return nse_error(err, rc, "the kernel does not take the rules");
	if (rc < 0)
		return rc;
	if (!(l->flags & NFT_RENDER_STATELESS)) {
		argv[1] = argv[2];
		argv[2] = NULL;
	}
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(l->out, STDOUT_FILENO) < 0 ||
	    dup2(l->errors, STDERR_FILENO) < 0)
		return nse_errno(err, -errno, "running nft(8)");
	execvp(argv[0], argv);
	execv(OTHER_NFT, argv);
	return nse_errno(err, -errno, "cannot run nft(8)");
}

/* The whole of a file in memory, with a NUL behind it. */
static char *content(int fd)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	n = pread(fd, text, (size_t)st.st_size, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void note_lines(struct nft_texts *t, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		nft_texts_note(t, line, strlen(line));
}

static int take_listing(struct nft_texts *t, const struct listing *l)
{
	NSE_FREE char *out = content(l->out), *errors = content(l->errors);

	if (!out || !errors)
		return -ENOMEM;
	note_lines(t, errors);
	return nft_parse_listing(t, l->marked.nonce, out);
}

static int prepare(struct listing *l, const struct nft_texts *t)
{
	int rc = nft_mark(t->ctx, t->skip, &l->marked);

	if (rc == 0)
		rc = nft_private_init(&l->what, l->marked.ctx);
	if (rc < 0)
		return rc;
	for (uint32_t s = 0; s < nse_context_slots(l->marked.ctx); s++)
		if (l->marked.unmarked[s])
			nft_private_leave_out(&l->what, s);
	l->out = memfd_create("nsemig-nft", MFD_CLOEXEC);
	l->errors = memfd_create("nsemig-nft-errors", MFD_CLOEXEC);
	return l->out < 0 || l->errors < 0 ? -errno : 0;
}

/* What nft(8) says; that it cannot is a note. */
static int ask_nft(struct nft_texts *t, unsigned int flags, struct nse_error *err)
{
	NSE_CLEANUP(listing_release)
	struct listing l = { .flags = flags, .out = -1, .errors = -1 };
	struct nse_error why = { 0 };
	char line[NSE_ERROR_MAX + 64];
	int rc = prepare(&l, t), n = 0;

	if (rc < 0)
		return nse_errno(err, rc, "showing rules");
	rc = nft_private_run(list, &l, nse_now_us() + DEADLINE_US, &why);
	if (rc < 0)
		n = snprintf(line, sizeof(line), "rules are shown without nft(8): %s",
			     why.text);
	else if (rc > 0)
		n = snprintf(line, sizeof(line), "nft(8) ended with status %d", rc);
	if (n)
		nft_texts_note(t, line, strlen(line));
	rc = take_listing(t, &l);
	return rc < 0 ? nse_errno(err, rc, "showing rules") : 0;
}

/* "1d2h3m4s5ms", as nft(8) writes times. */
static void put_time(char *text, size_t room, uint64_t ms)
{
	static const struct {
		uint64_t ms;
		const char *unit;
	} units[] = { { 86400000, "d" },
		      { 3600000, "h" },
		      { 60000, "m" },
		      { 1000, "s" },
		      { 1, "ms" } };
	size_t len = 0;

	snprintf(text, room, "0s");
	for (size_t i = 0; i < NSE_ARRAY_SIZE(units); i++) {
		uint64_t n = ms / units[i].ms;

		ms %= units[i].ms;
		if (n && len < room)
			len += (size_t)snprintf(text + len, room - len, "%" PRIu64 "%s",
						n, units[i].unit);
	}
}

/* The time that was left when the record was taken, not some time later. */
static int mend_expires(char **text, const struct nse_record *rec)
{
	static const char word[] = " expires ";
	struct nse_cur c = nse_cur(rec->state.p, rec->state.n);
	char time[128], *at = strstr(*text, word), *whole;
	uint64_t ms;
	uint8_t flags;

	if (!at || nse_get_u8(&c, &flags) < 0 || !(flags & NFT_STATE_EXPIRES) ||
	    nse_get_u64(&c, &ms) < 0)
		return 0;
	at += strlen(word);
	put_time(time, sizeof(time), ms);
	if (asprintf(&whole, "%.*s%s%s", (int)(at - *text), *text, time,
		     at + strcspn(at, " ")) < 0)
		return -ENOMEM;
	free(*text);
	*text = whole;
	return 0;
}

/* A comment that went into no mark: a line ahead of the others. */
static int put_comment(struct nft_one *one, const struct nft_key *key,
		       struct nse_bytes attrs)
{
	struct nse_bytes comment = nft_comment(key->type, attrs);
	bool inside = key->type == NFT_RULE || key->type == NFT_ELEMENT;
	char *whole;
	int n;

	if (!comment.p || (inside && !one->plain))
		return 0;
	if (inside)
		n = asprintf(&whole, "%s comment \"%.*s\"", one->text, (int)comment.n,
			     (const char *)comment.p);
	else
		n = asprintf(&whole, "comment \"%.*s\"%s%s", (int)comment.n,
			     (const char *)comment.p, *one->text ? "\n" : "", one->text);
	if (n < 0)
		return -ENOMEM;
	free(one->text);
	one->text = whole;
	return 0;
}

/* The names that the numbers of interfaces in libnftnl's form stand for. */
static void interfaces(struct nse_bytes attrs, char *text, size_t room)
{
	struct nse_bytes kernel;
	struct nft_ifnames names;
	size_t len = 0;

	text[0] = '\0';
	if (nft_ifindex_split(attrs, &kernel, &names) < 0)
		return;
	for (unsigned int i = 0; i < names.n && len < room; i++)
		len += (size_t)snprintf(text + len, room - len, "%s%s", i ? ", " : "",
					names.names[i]);
}

/*
 * Of a dependency's anonymous sets and bound chains there is only a digest, and
 * so nft(8) cannot list it.
 */
static bool lacks_sets(const struct nft_one *one, const struct nse_record *rec)
{
	struct nft_key key;

	return one->plain && nft_key_decode(rec, &key, NULL) == 0 && key.need &&
	       nft_rule_digest(rec->body) != 0;
}

/* What the text does not say stands behind it, where nft(8) has comments. */
static int put_remarks(struct nft_one *one, const struct nse_record *rec,
		       struct nse_bytes attrs)
{
	const char *lacks =
		lacks_sets(one, rec) ? "  # what it has in braces is not here" : "";
	char xt[512], devices[512] = "";
	char *whole;

	nft_expr_names(attrs, true, xt, sizeof(xt));
	if (one->plain)
		interfaces(attrs, devices, sizeof(devices));
	if (!*xt && !*devices && !*lacks)
		return 0;
	if (asprintf(&whole, "%s%s%s%s%s%s", one->text, lacks, *xt ? "  # xt: " : "", xt,
		     *devices ? "  # interfaces: " : "", devices) < 0)
		return -ENOMEM;
	free(one->text);
	one->text = whole;
	return 0;
}

/* "counter inet t hits": what stands ahead of the family, as nft(8) says it. */
static void noun_of(const struct nft_key *key, struct nse_bytes attrs, char *noun,
		    size_t room)
{
	const char *family = nft_family_name(key->family);
	uint32_t flags = 0;

	nft_key_text(key, noun, room);
	for (char *s = noun; (s = strchr(s, ' ')); s++) {
		if (strncmp(s + 1, family, strlen(family)) != 0 ||
		    s[1 + strlen(family)] != ' ')
			continue;
		*s = '\0';
		break;
	}
	if (key->type == NFT_SET)
		flags = nft_attr_u32(nft_attr_find(attrs, NFTA_SET_FLAGS));
	if (flags & NFT_SET_MAP)
		snprintf(noun, room, "map");
}

static int set_head(struct nft_texts *t, uint32_t slot, const struct nft_key *key,
		    struct nse_bytes attrs)
{
	char head[NFT_NAME_MAX + 64], noun[NFT_NAME_MAX];
	int n;

	if (t->at[slot].head || key->type == NFT_RULE || key->type == NFT_ELEMENT)
		return 0;
	noun_of(key, attrs, noun, sizeof(noun));
	if (key->type == NFT_TABLE)
		n = snprintf(head, sizeof(head), "table %s %.*s",
			     nft_family_name(key->family), (int)key->table.n,
			     (const char *)key->table.p);
	else
		n = snprintf(head, sizeof(head), "%.32s %.*s", noun, (int)key->name.n,
			     (const char *)key->name.p);
	return nft_texts_set_head(t, slot, head, (size_t)n);
}

/* What is left to do for a record that has a text. */
static int finish(struct nft_texts *t, uint32_t slot, unsigned int flags)
{
	struct nft_one *one = &t->at[slot];
	struct nse_bytes attrs;
	struct nse_record rec;
	struct nft_key key;
	int rc;

	if (!nse_context_at(t->ctx, slot, &rec) || nft_key_decode(&rec, &key, NULL) < 0)
		return 0;
	attrs = nft_body_attrs(key.type, rec.body);
	rc = set_head(t, slot, &key, attrs) ?: put_comment(one, &key, attrs);
	if (rc == 0 && key.type == NFT_ELEMENT && !(flags & NFT_RENDER_STATELESS))
		rc = mend_expires(&one->text, &rec);
	if (rc == 0 && key.type == NFT_RULE)
		rc = put_remarks(one, &rec, attrs);
	return rc;
}

static int render(struct nft_texts *t, unsigned int flags, struct nse_error *err)
{
	int rc = flags & NFT_RENDER_PLAIN ? 0 : ask_nft(t, flags, err);

	rc = rc ?: nft_render_plain(t, err);
	for (uint32_t s = 0; rc == 0 && s < t->n; s++)
		if (t->at[s].text && finish(t, s, flags) < 0)
			rc = nse_errno(err, -ENOMEM, "showing rules");
	return rc;
}

static bool has_records(const struct nse_context *ctx)
{
	struct nse_record rec;
	enum nft_type type;
	bool need;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec) && nft_kind_of(rec.kind, &type, &need))
			return true;
	return false;
}

int nft_render_some(const struct nse_context *ctx, const uint8_t *wanted,
		    unsigned int flags, struct nft_texts **out, struct nse_error *err)
{
	NSE_CLEANUP(nft_texts_freep) struct nft_texts *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return nse_errno(err, -ENOMEM, "showing rules");
	t->notes.max = NOTES_MAX;
	t->ctx = ctx;
	t->at = calloc(nse_context_slots(ctx) + 1, sizeof(*t->at));
	if (!t->at)
		return nse_errno(err, -ENOMEM, "showing rules");
	t->n = nse_context_slots(ctx);
	if (nft_texts_choose(t, wanted) < 0)
		return nse_errno(err, -ENOMEM, "showing rules");
	rc = has_records(ctx) ? render(t, flags, err) : 0;
	if (rc < 0)
		return rc;
	t->ctx = NULL;
	*out = nse_take(t);
	return 0;
}

int nft_render(const struct nse_context *ctx, unsigned int flags, struct nft_texts **out,
	       struct nse_error *err)
{
	return nft_render_some(ctx, NULL, flags, out, err);
}
