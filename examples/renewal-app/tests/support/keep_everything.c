/* Loaded before the program's own allocator: nothing that was given back is ever given out again or written over. What was not
   wiped before it was given back is then in the dump, however small it was and whatever was asked for since. */
#include <malloc.h>
#include <stddef.h>
#include <string.h>

void free(void *old) { (void)old; }

void *realloc(void *old, size_t size) {
    void *new = malloc(size);
    if (old && new) {
        size_t had = malloc_usable_size(old);
        memcpy(new, old, had < size ? had : size);
    }
    return new;
}
