'use client';

/** The microphone: asked for, heard, and turned into a file. */

import { useCallback, useEffect, useRef, useState } from 'react';

export type Refusal = 'denied' | 'missing' | 'unsupported';

export type RecorderState =
  | { is: 'idle' }
  | { is: 'asking' }
  | { is: 'recording'; stream: MediaStream; since: number }
  | { is: 'refused'; why: Refusal };

export interface Recorder {
  state: RecorderState;
  begin: () => void;
  /** Ends the recording and hands it over. */
  finish: () => void;
  /** Ends it and throws it away. */
  discard: () => void;
}

/** What browsers can record, in order of preference, and how such a file ends. */
const KINDS: [type: string, ending: string][] = [
  ['audio/webm;codecs=opus', 'webm'],
  ['audio/ogg;codecs=opus', 'ogg'],
  ['audio/mp4', 'm4a'],
];

/** longest: seconds after which it finishes by itself. */
export function useRecorder(onFile: (file: File) => void, longest?: number): Recorder {
  const [state, setState] = useState<RecorderState>({ is: 'idle' });
  const current = useRef<{ machine: MediaRecorder; keep: boolean } | null>(null);
  const wanted = useRef(false);

  const begin = useCallback(() => {
    wanted.current = true;
    setState({ is: 'asking' });
    microphone().then(
      (stream) => {
        if (!wanted.current) return release(stream);
        current.current = { machine: record(stream, finished), keep: false };
        setState({ is: 'recording', stream, since: Date.now() });
      },
      (error: unknown) => wanted.current && setState({ is: 'refused', why: refusalOf(error) }),
    );

    function finished(file: File) {
      if (current.current?.keep) onFile(file);
      current.current = null;
      setState({ is: 'idle' });
    }
  }, [onFile]);

  const end = useCallback((keep: boolean) => {
    wanted.current = false;
    if (!current.current) return setState({ is: 'idle' });
    current.current.keep = keep;
    if (current.current.machine.state !== 'inactive') current.current.machine.stop();
  }, []);

  useEffect(() => () => end(false), [end]);

  useEffect(() => {
    if (!longest || state.is !== 'recording') return;
    const timer = setTimeout(() => end(true), longest * 1000);
    return () => clearTimeout(timer);
  }, [end, longest, state.is]);

  return {
    state,
    begin,
    finish: useCallback(() => end(true), [end]),
    discard: useCallback(() => end(false), [end]),
  };
}

async function microphone(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === 'undefined')
    throw new DOMException('no microphone here', 'NotSupportedError');
  return navigator.mediaDevices.getUserMedia({ audio: true });
}

function record(stream: MediaStream, onEnd: (file: File) => void): MediaRecorder {
  const [type, ending] = KINDS.find(([kind]) => MediaRecorder.isTypeSupported(kind)) ?? ['', 'webm'];
  const machine = new MediaRecorder(stream, type ? { mimeType: type } : {});
  const parts: Blob[] = [];
  machine.ondataavailable = ({ data }) => parts.push(data);
  machine.onstop = () => {
    release(stream);
    const name = `recording-${new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-')}.${ending}`;
    onEnd(new File(parts, name, { type: machine.mimeType.split(';')[0] }));
  };
  machine.start(1000);
  return machine;
}

function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function refusalOf(error: unknown): Refusal {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  return name === 'NotSupportedError' ? 'unsupported' : 'missing';
}
