declare module 'fs-native-extensions' {
  /**
   * Asks for an exclusive lock on an open file, which ends with the descriptor.
   * @returns whether it was granted
   * @throws an error with a system error code, such as ENOLCK
   */
  export function tryLock(fd: number): boolean;
}
