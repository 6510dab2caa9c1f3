/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of iptables, ip6tables, arptables and ebtables in their own (legacy)
 * tables. nf_tables knows nothing of them, and no engine carries them.
 */
#ifndef NSE_ENGINE_LEGACY_H
#define NSE_ENGINE_LEGACY_H

#include "lib/context/problem.h"
#include "lib/context/scope.h"

/*
 * Looks into this network namespace's legacy tables, which are not made by
 * looking. With leaving = true the domain of the scope (NULL: none) is about to
 * leave: rules that name one of its interfaces or addresses would be lost.
 * Otherwise it would come, and meet them. hotplug: those that Xen's hotplug script
 * makes for a bridged interface do not count, since it makes them on the other host as
 * well. 0 or -ENOMEM.
 */
int nse_legacy_problems(const struct nse_scope *scope, bool leaving, bool hotplug,
			struct nse_problems *problems);

#endif
