/** Stands for the package of that name, which refuses to be loaded outside of a server's bundle. */

export {};
