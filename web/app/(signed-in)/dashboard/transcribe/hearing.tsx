'use client';

import { useEffect, useState } from 'react';
import { Skeleton, Spoken } from '@/components/ui/states';
import { clock } from '@/lib/client/words';

/** While the recording is heard: how long it has taken so far, and where the words will be. */
export function Hearing() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const began = Date.now();
    const timer = setInterval(() => setSeconds((Date.now() - began) / 1000), 500);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="grid gap-4">
      <p className="flex justify-between text-[0.9375rem] text-soft">
        <span>Listening …</span>
        <span>{clock(seconds)}</span>
      </p>
      {['w-full', 'w-11/12', 'w-4/5', 'w-2/3'].map((width) => (
        <Skeleton key={width} className={`h-4 ${width}`} />
      ))}
      <Spoken>The recording is being heard.</Spoken>
    </div>
  );
}
