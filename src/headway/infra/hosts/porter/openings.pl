# Anchors on their way: each is started, says its handle, and waits for its go-ahead on a pipe that ends with the porter.
package Headway::Opening;

use strict;

my $WRONLY_APPEND_CREAT = 1 | 02000 | 0100;

# Starts the anchor's program, or another mode of it. `config` are its fields, packed.
sub start {
    my ( $class, %given ) = @_;
    pipe my $listens, my $asks or die "cannot make a pipe: $!\n";
    pipe my $hears,   my $says or die "cannot make a pipe: $!\n";
    my $pid = fork // die "cannot start a process: $!\n";
    if ( !$pid ) {
        Headway::Kernel::lead_session();
        $SIG{$_} = 'DEFAULT' for qw(PIPE CHLD INT HUP TERM);
        open STDIN,  '<&', $listens or exit 1;
        open STDOUT, '>&', $says    or exit 1;
        sysopen my $errors, $given{errors}, $WRONLY_APPEND_CREAT, 0600 or exit 1;
        open STDERR, '>&', $errors or exit 1;
        %ENV = ( PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL => 'C', %{ $given{marks} } );
        exec {$^X} 'perl', '-w', $given{program}, @{ $given{arguments} } or exit 127;
    }
    close $listens;
    close $says;
    syswrite $asks, pack 'N/a*', $given{config};
    return bless { pid => $pid, asks => $asks, hears => $hears, said => '', over => 0 }, $class;
}

# Reads what it says; gives the lines that are whole, and notes its end.
sub hear {
    my ($self) = @_;
    my $got = sysread $self->{hears}, $self->{said}, 4096, length $self->{said};
    $self->{over} = 1 if !$got;
    my @lines;
    push @lines, $1 while $self->{said} =~ s/\A([^\n]*)\n//;
    return @lines;
}

sub go {
    my ($self) = @_;
    syswrite $self->{asks}, "go\n";
    return;
}

1;
