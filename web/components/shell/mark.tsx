/** Atelier's mark: an easel that is also the letter A. */
export function Mark({ className = 'size-7' }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
      <rect width="32" height="32" rx="7" fill="#2c3cc2" />
      <g fill="none" stroke="#fff" strokeWidth="2.4" strokeLinecap="round" strokeLinejoin="round">
        <path d="M8.5 25.5 16 5.5l7.5 20" />
        <path d="M7 20h18" />
        <path d="M16 20v4.5" />
      </g>
    </svg>
  );
}
