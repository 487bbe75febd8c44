// Original file: proto/weft/v1/notification.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListNotificationsRequest as _weft_v1_ListNotificationsRequest, ListNotificationsRequest__Output as _weft_v1_ListNotificationsRequest__Output } from '../../weft/v1/ListNotificationsRequest.ts';
import type { ListNotificationsResponse as _weft_v1_ListNotificationsResponse, ListNotificationsResponse__Output as _weft_v1_ListNotificationsResponse__Output } from '../../weft/v1/ListNotificationsResponse.ts';
import type { Notification as _weft_v1_Notification, Notification__Output as _weft_v1_Notification__Output } from '../../weft/v1/Notification.ts';
import type { RetryNotificationRequest as _weft_v1_RetryNotificationRequest, RetryNotificationRequest__Output as _weft_v1_RetryNotificationRequest__Output } from '../../weft/v1/RetryNotificationRequest.ts';

export interface NotificationServiceClient extends grpc.Client {
  List(argument: _weft_v1_ListNotificationsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListNotificationsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListNotificationsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListNotificationsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListNotificationsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListNotificationsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListNotificationsRequest, callback: grpc.requestCallback<_weft_v1_ListNotificationsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListNotificationsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListNotificationsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListNotificationsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListNotificationsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListNotificationsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListNotificationsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListNotificationsRequest, callback: grpc.requestCallback<_weft_v1_ListNotificationsResponse__Output>): grpc.ClientUnaryCall;
  
  Retry(argument: _weft_v1_RetryNotificationRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Notification__Output>): grpc.ClientUnaryCall;
  Retry(argument: _weft_v1_RetryNotificationRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Notification__Output>): grpc.ClientUnaryCall;
  Retry(argument: _weft_v1_RetryNotificationRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Notification__Output>): grpc.ClientUnaryCall;
  Retry(argument: _weft_v1_RetryNotificationRequest, callback: grpc.requestCallback<_weft_v1_Notification__Output>): grpc.ClientUnaryCall;
  retry(argument: _weft_v1_RetryNotificationRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Notification__Output>): grpc.ClientUnaryCall;
  retry(argument: _weft_v1_RetryNotificationRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Notification__Output>): grpc.ClientUnaryCall;
  retry(argument: _weft_v1_RetryNotificationRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Notification__Output>): grpc.ClientUnaryCall;
  retry(argument: _weft_v1_RetryNotificationRequest, callback: grpc.requestCallback<_weft_v1_Notification__Output>): grpc.ClientUnaryCall;
  
}

export interface NotificationServiceHandlers extends grpc.UntypedServiceImplementation {
  List: grpc.handleUnaryCall<_weft_v1_ListNotificationsRequest__Output, _weft_v1_ListNotificationsResponse>;
  
  Retry: grpc.handleUnaryCall<_weft_v1_RetryNotificationRequest__Output, _weft_v1_Notification>;
  
}

export interface NotificationServiceDefinition extends grpc.ServiceDefinition {
  List: MethodDefinition<_weft_v1_ListNotificationsRequest, _weft_v1_ListNotificationsResponse, _weft_v1_ListNotificationsRequest__Output, _weft_v1_ListNotificationsResponse__Output>
  Retry: MethodDefinition<_weft_v1_RetryNotificationRequest, _weft_v1_Notification, _weft_v1_RetryNotificationRequest__Output, _weft_v1_Notification__Output>
}
