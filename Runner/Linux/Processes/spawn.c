__attribute__((visibility("default"))) int runner_spawn_abi(void) { return 1; }
