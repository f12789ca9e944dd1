/* SPDX-License-Identifier: MIT */
#define ME    "first"
#define FIRST 1
#include "pair.h"

XY_MODULE(first, .about = "One of two.", .needs = VARIANT == 4 ? "second" : NULL,
          XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs), XY_TABLE(commands, commands),
          XY_TABLE(features, features), );
