/* SPDX-License-Identifier: MIT */
#define ME    "second"
#define FIRST 0
#include "pair.h"

XY_MODULE(second, .about = "One of two.", .needs = VARIANT == 4 ? "first" : NULL,
          XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs), XY_TABLE(commands, commands),
          XY_TABLE(features, features), );
