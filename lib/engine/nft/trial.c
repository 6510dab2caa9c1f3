/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A context is loaded where it can do nothing, to hear what the kernel says:
 * an expression that it does not know, a helper that is missing, a reference
 * that leads nowhere are found before anything is moved.
 */
#include "lib/engine/nft/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/engine/nft/expr_names.h"
#include "lib/engine/nft/private.h"
#include "lib/util/clock.h"

#define AREA	    "nft"
#define DEADLINE_US (60 * 1000000LL)
#define TOLD_MAX    100 /* refusals that are told one by one */

/* Shared with the child. */
struct trial {
	struct nft_private what;
	struct told {
		uint32_t slot;
		int code;
		char text[256]; /* of the kernel */
	} told[TOLD_MAX];
	uint64_t refused;
};

static void on_refused(void *arg, uint32_t slot, int code, const char *text)
{
	struct trial *t = arg;

	if (t->refused < TOLD_MAX) {
		struct told *to = &t->told[t->refused];

		to->slot = slot;
		to->code = code;
		snprintf(to->text, sizeof(to->text), "%s", text);
	}
	t->refused++;
}

static int in_child(void *arg, struct nse_error *err)
{
	struct trial *t = arg;
	int rc = nft_private_load(&t->what, on_refused, t, err);

	return rc == -ECANCELED ? 0 : rc;
}

static int add_refusal(const struct trial *t, const struct told *told,
		       struct nse_problems *problems)
{
	char name[512], made_of[512] = "";
	struct nse_record rec;
	struct nft_key key = { 0 };

	if (!nse_context_at(t->what.ctx, told->slot, &rec) ||
	    nft_key_decode(&rec, &key, NULL) < 0)
		snprintf(name, sizeof(name), "the ruleset as a whole");
	else
		nft_key_text(&key, name, sizeof(name));
	/* No message could be made of it: the text is a whole one. */
	if (strncmp(told->text, name, strlen(name)) == 0)
		return nse_problem_add(problems, NSE_FAIL, AREA, NULL, "%s", told->text);
	if (told->slot != NFT_SLOT_NONE && key.type == NFT_RULE)
		nft_expr_names(nft_body_attrs(key.type, rec.body), false, made_of,
			       sizeof(made_of));
	return nse_problem_add(
		problems, NSE_FAIL, AREA,
		told->code == -ENOENT || told->code == -EOPNOTSUPP
			? "load the module of what it uses, or make what it "
			  "refers to"
			: NULL,
		"this kernel refuses %s: %s%s%s%s%s%s", name, strerror(-told->code),
		told->text[0] ? ": " : "", told->text,
		made_of[0] ? " (it is made of " : "", made_of, made_of[0] ? ")" : "");
}

static int add_refusals(const struct trial *t, struct nse_problems *problems)
{
	uint64_t told = t->refused < TOLD_MAX ? t->refused : TOLD_MAX;
	int rc = 0;

	for (uint64_t i = 0; rc == 0 && i < told; i++)
		rc = add_refusal(t, &t->told[i], problems);
	if (rc == 0 && t->refused > told)
		rc = nse_problem_add(problems, NSE_FAIL, AREA, NULL,
				     "this kernel refuses %llu more objects of the "
				     "ruleset",
				     (unsigned long long)(t->refused - told));
	return rc;
}

static int no_trial(struct nse_problems *problems, const struct nse_error *why)
{
	return nse_problem_add(problems, NSE_NOTE, AREA,
			       why->code == -EPERM ? "run as root" : NULL,
			       "the rules were not tried on this kernel: %s", why->text);
}

static int try_it(struct trial *t, struct nse_problems *problems, struct nse_error *err)
{
	struct nse_error why = { 0 };
	int rc = nft_private_run(in_child, t, nse_now_us() + DEADLINE_US, &why);

	if (rc == -EBADMSG || rc == -ENOMEM) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc > 0)
		nse_error(&why, -EIO, "the process that tried them ended with status %d",
			  rc);
	rc = rc ? no_trial(problems, &why) : add_refusals(t, problems);
	return rc < 0 ? nse_errno(err, rc, "the trial of the rules") : 0;
}

int nft_trial(const struct nse_context *ctx, struct nse_problems *problems,
	      struct nse_error *err)
{
	struct trial *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc;

	if (t == MAP_FAILED)
		return nse_errno(err, -errno, "the trial of the rules");
	rc = nft_private_init(&t->what, ctx);
	if (rc < 0) {
		nse_errno(err, rc, "the trial of the rules");
	} else if (t->what.nrecords) {
		nft_private_leave_skeleton_out(&t->what);
		rc = try_it(t, problems, err);
	}
	nft_private_release(&t->what);
	munmap(t, sizeof(*t));
	return rc;
}
