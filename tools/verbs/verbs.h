// The families of verbs that run programs; main.cpp puts them on the command line.
#pragma once

#include "tools/program/program.h"

namespace chainrule {

void add_derivative_verbs(CLI::App& app, std::vector<Verb>& verbs);  ///< eval grad jacobian hessian jvp
void add_check_verb(CLI::App& app, std::vector<Verb>& verbs);
void add_graph_verb(CLI::App& app, std::vector<Verb>& verbs);
void add_ops_verb(CLI::App& app, std::vector<Verb>& verbs);
void add_profile_verb(CLI::App& app, std::vector<Verb>& verbs);
void add_completion_verb(CLI::App& app, std::vector<Verb>& verbs);  ///< of every verb that `app` has

}  // namespace chainrule
