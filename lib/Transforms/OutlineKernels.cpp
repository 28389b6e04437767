#include "simplexir/Transforms/Passes.h"
