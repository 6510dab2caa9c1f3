/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Choosing a platform by its name.
 */
#include "lib/platform/platform.h"

#include <errno.h>
#include <string.h>

static int open_named(struct nse_platform **p, const char *spec, struct nse_error *err)
{
	if (strcmp(spec, "xen") == 0)
		return nse_platform_xen_open(p, err);
	if (strncmp(spec, "script:", 7) == 0)
		return nse_platform_script_open(p, spec + 7, err);
	return nse_error(err, -EINVAL, "unknown platform '%s': use xen or script:PROGRAM",
			 spec);
}

int nse_platform_open(struct nse_platform **p, const char *spec, const char *configured,
		      struct nse_error *err)
{
	*p = NULL;
	if (spec && *spec)
		return open_named(p, spec, err);
	if (nse_platform_xen_present())
		return nse_platform_xen_open(p, err);
	if (configured && *configured)
		return open_named(p, configured, err);
	return 0;
}

void nse_platform_close(struct nse_platform *p)
{
	if (p)
		p->ops->free(p);
}
