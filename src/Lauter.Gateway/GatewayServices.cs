using Lauter.Gateway.Api;
using Lauter.Gateway.Api.OpenApi;
using Lauter.Gateway.Api.Shapes;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Batches;
using Lauter.Gateway.Caches;
using Lauter.Gateway.Keys;
using Lauter.Gateway.Limits;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Routing;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Lauter.Gateway;

/// <summary>The gateway's place in a host.</summary>
public static class GatewayServices
{
    /// <summary>The reader holds a whole segment in memory.</summary>
    private const long SegmentBytes = 2 * 1024 * 1024;

    /// <summary>
    /// Registers the gateway. The host may resolve <see cref="ApplicationRegistry"/>, <see cref="ApiKeyStore"/>, <see cref="TraceStore"/>,
    /// <see cref="LedgerStore"/>, <see cref="BudgetLeases"/> and <see cref="PriceBook"/>; all are singletons and closed with the host.
    /// </summary>
    public static IServiceCollection AddGateway(this IServiceCollection services, GatewayOptions options)
    {
        Directory.CreateDirectory(options.StateDirectory);
        services.TryAddSingleton(TimeProvider.System);
        services.AddRouting();
        services.AddSingleton(options);
        services.AddSingleton(options.Prices);
        services.AddSingleton<ApplicationRegistry>();
        services.AddSingleton(p => new ApiKeyStore(options.KeysPath, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(_ => new LedgerStore(options.LedgerPath));
        services.AddSingleton(_ => new TraceStore(options.TracesPath));
        services.AddSingleton(p => new BudgetLeases(options.LedgerPath, options.Budgets, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new RateGate(p.GetRequiredService<BudgetLeases>().Rates, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new TraceJournal(
            new TraceJournalOptions { Directory = options.JournalDirectory, Durability = options.Durability, MinimumFreeBytes = options.MinimumFreeBytes, SegmentBytes = SegmentBytes },
            p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => GatewayState.Reader(
            options.JournalDirectory, p.GetRequiredService<LedgerStore>(), p.GetRequiredService<TraceStore>(), p.GetRequiredService<TraceJournal>().WriterId));
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<RecentTraces>();
        services.AddSingleton<EdgeRates>();
        services.AddSingleton<RequestEdge>();
        services.AddSingleton<Settler>();
        services.AddSingleton<LocalAnswers>();
        services.AddSingleton<ProviderForwarder>();
        services.AddSingleton<ModelEndpoint>();
        services.AddSingleton<TargetHealth>();
        services.AddSingleton<RoutePlanner>();
        services.AddSingleton<UpstreamSender>();
        services.AddSingleton<Cascade>();
        services.AddSingleton<Mirror>();
        services.AddSingleton<Shadow>();
        services.AddSingleton<ExactCache>();
        services.AddSingleton<CachedAnswers>();
        services.AddSingleton<SemanticCache>();
        services.AddSingleton<SemanticVectors>();
        services.AddSingleton<FileStore>();
        services.AddSingleton<BatchStore>();
        services.AddSingleton<FilesEndpoint>();
        services.AddSingleton<BatchesEndpoint>();
        services.AddSingleton<BatchRunner>();
        services.AddSingleton<AdminEndpoints>();
        services.AddHostedService(p => p.GetRequiredService<BatchRunner>());
        services.AddSingleton<EmbeddingsEndpoint>();
        services.AddSingleton<FeedbackEndpoint>();
        services.AddSingleton<InformationEndpoints>();
        services.AddSingleton<JournalPump>();
        services.AddHostedService(p => p.GetRequiredService<JournalPump>());
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // One byte more than the gateway's own limit, so that the answer is the gateway's and not a bare 413.
            kestrel.Limits.MaxRequestBodySize = Math.Max(kestrel.Limits.MaxRequestBodySize ?? 0, options.MaximumBodyBytes + 1L);
        });
        return services;
    }

    /// <summary>
    /// Maps OpenAI's <c>/v1/chat/completions</c>, <c>completions</c>, <c>embeddings</c>, <c>rerank</c>, <c>responses</c>, <c>models</c>, <c>files</c>, <c>batches</c>, Anthropic's <c>/v1/messages</c>, <c>/v1/feedback</c>, <c>/metrics</c>, each behind a key, and
    /// <c>/health</c>, which says only that the process serves.
    /// </summary>
    public static IEndpointRouteBuilder MapGateway(this IEndpointRouteBuilder endpoints)
    {
        var services = endpoints.ServiceProvider;
        var edge = services.GetRequiredService<RequestEdge>();
        var information = services.GetRequiredService<InformationEndpoints>();
        var models = services.GetRequiredService<ModelEndpoint>();
        endpoints.MapPost("/v1/chat/completions", edge.Guard(models.ChatAsync));
        endpoints.MapPost("/v1/completions", edge.Guard(models.CompletionsAsync));
        endpoints.MapPost("/v1/embeddings", edge.Guard(models.EmbeddingsAsync));
        endpoints.MapPost("/v1/rerank", edge.Guard(models.RerankAsync));
        endpoints.MapPost("/v1/responses", edge.Guard(models.ResponsesAsync));
        endpoints.MapPost("/v1/messages", edge.Guard(models.MessagesAsync, MessagesShape.ErrorOf));
        var files = services.GetRequiredService<FilesEndpoint>();
        endpoints.MapPost("/v1/files", edge.Guard(files.UploadAsync));
        endpoints.MapGet("/v1/files", edge.Guard(files.ListAsync));
        endpoints.MapGet("/v1/files/{id}", edge.Guard(files.GetAsync));
        endpoints.MapGet("/v1/files/{id}/content", edge.Guard(files.ContentAsync));
        endpoints.MapDelete("/v1/files/{id}", edge.Guard(files.DeleteAsync));
        var batches = services.GetRequiredService<BatchesEndpoint>();
        endpoints.MapPost("/v1/batches", edge.Guard(batches.CreateAsync));
        endpoints.MapGet("/v1/batches", edge.Guard(batches.ListAsync));
        endpoints.MapGet("/v1/batches/{id}", edge.Guard(batches.GetAsync));
        endpoints.MapPost("/v1/batches/{id}/cancel", edge.Guard(batches.CancelAsync));
        endpoints.MapPost("/v1/feedback", edge.Guard(services.GetRequiredService<FeedbackEndpoint>().HandleAsync));
        endpoints.MapGet("/v1/openapi.json", edge.Guard(OpenApiDocument.WriteAsync));
        endpoints.MapGet("/v1/models", edge.Guard(information.ListModelsAsync));
        endpoints.MapGet("/v1/models/{**model}", edge.Guard(information.GetModelAsync));
        var admin = services.GetRequiredService<AdminEndpoints>();
        endpoints.MapGet("/admin/v1/keys", edge.Guard(admin.ListKeysAsync));
        endpoints.MapPost("/admin/v1/keys", edge.Guard(admin.CreateKeyAsync));
        endpoints.MapDelete("/admin/v1/keys/{id}", edge.Guard(admin.RevokeKeyAsync));
        endpoints.MapPost("/admin/v1/keys/{id}/rotate", edge.Guard(admin.RotateKeyAsync));
        endpoints.MapGet("/admin/v1/budgets", edge.Guard(admin.BudgetsAsync));
        endpoints.MapGet("/admin/v1/targets", edge.Guard(admin.TargetsAsync));
        endpoints.MapGet("/metrics", edge.Guard(information.MetricsAsync));
        endpoints.MapGet("/health", (HttpContext context) =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync("""{"status":"ok"}""", context.RequestAborted);
        });
        endpoints.Map("/v1/{**rest}", edge.Guard(information.UnknownAsync));
        return endpoints;
    }
}
