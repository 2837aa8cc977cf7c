/**
 * The four ports of the gateway (manual, section 1.C) and what each of them takes. The Kakao ports (33304, 33305) have
 * no described frames and are left out.
 */
import type { Command } from '../protocol/index.ts';

export type Port = 'smsSend' | 'smsReport' | 'mmsSend' | 'mmsReport';
export type Service = 'sms' | 'mms';

interface PortRow {
  readonly service: Service;
  readonly role: 'send' | 'report';
  /** The number that the real gateway listens on. */
  readonly number: number;
  /** What it takes after the login. */
  readonly commands: readonly Command[];
}

export const ports: Readonly<Record<Port, PortRow>> = {
  smsSend: { service: 'sms', role: 'send', number: 33300, commands: ['1020'] },
  smsReport: { service: 'sms', role: 'report', number: 33301, commands: ['1030'] },
  mmsSend: { service: 'mms', role: 'send', number: 33302, commands: ['1024', '1044', '1045', '2030'] },
  mmsReport: { service: 'mms', role: 'report', number: 33303, commands: ['1030'] },
};

export const portNames = Object.keys(ports) as readonly Port[];
